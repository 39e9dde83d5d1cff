// @ts-check
/**
 * What goes over the wire, for the type checker: nothing of this file is sent to a browser.
 *
 * @typedef {{name: string, initials: string, hue: number, here: boolean}} Agent
 * @typedef {object} Project
 * @property {string} name
 * @property {string | null} color
 * @property {string} greeting
 * @property {string} intro
 * @property {Agent[]} team
 * @property {string} reply how soon an answer usually comes, in words
 * @property {boolean} open
 * @property {string} away what to say while closed
 * @property {string | null} back_at
 * @property {boolean} powered
 *
 * @typedef {{name: string | null, email: string | null, kind: "visitor" | "lead" | "user", verified: boolean}} You
 * @typedef {{text: number, file_bytes: number, files: number, types: string[]}} Limits
 * @typedef {{number: number, status: "open" | "pending" | "solved" | "closed", priority: string, due_at: string | null}} Ticket
 *
 * @typedef {object} Conversation
 * @property {string} id
 * @property {string} subject
 * @property {string} preview
 * @property {"you" | "agent" | "system"} by
 * @property {string} at
 * @property {number} seq
 * @property {number} seen
 * @property {number} agents_seen
 * @property {number} unread
 * @property {"open" | "closed"} state
 * @property {Agent | null} agent
 * @property {Ticket | null} ticket
 * @property {number | null} rating
 * @property {boolean} can_rate
 *
 * @typedef {{id: string, name: string, type: string, bytes: number, url: string, image: boolean, width?: number | null, height?: number | null}} File
 * @typedef {object} Message
 * @property {string} conversation
 * @property {string} id
 * @property {number} seq
 * @property {"you" | "agent" | "system"} by
 * @property {string | null} name
 * @property {number | null} hue
 * @property {string} text
 * @property {string} at
 * @property {string} [client] under which name this browser said it
 * @property {File[]} files
 * @property {Record<string, any> | null} what
 *
 * @typedef {{id: string, html: string, by: string, hue: number, at: string}} Note
 *
 * What this browser has to say and has not been answered yet. `open` stands for a conversation
 * whose id is not known; `failed` is why it was refused.
 * @typedef {object} Letter
 * @property {"say" | "ticket" | "email" | "rate"} t
 * @property {string} id
 * @property {number} at milliseconds
 * @property {string | null} [conversation]
 * @property {string | null} [open]
 * @property {string} [text]
 * @property {File[]} [files]
 * @property {string} [subject]
 * @property {string} [email]
 * @property {number} [rating]
 * @property {string} [comment]
 * @property {{url: string, title: string}} [page]
 * @property {string} [failed]
 */
export {};
