// @ts-check
// Line drawings from Lucide (ISC, see static/icons.LICENSE.txt), each as one path of 24 by 24; the
// faces are ours.

import { BUBBLE, CROSS } from "./marks.js";

const ROUND = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0-20 0";
const EYES = "M9 9v1M15 9v1";

export const ICONS = {
  back: "m15 18-6-6 6-6",
  clip: "m16 6-8.414 8.586a2 2 0 0 0 2.829 2.829l8.414-8.586a4 4 0 1 0-5.657-5.657l-8.379 8.551a6 6 0 1 0 8.485 8.485l8.379-8.551",
  cross: CROSS,
  down: "M12 5v14M19 12l-7 7-7-7",
  home: "M15 21v-8a1 1 0 0 0-1-1h-4a1 1 0 0 0-1 1v8M3 10a2 2 0 0 1 .709-1.528l7-6a2 2 0 0 1 2.582 0l7 6A2 2 0 0 1 21 10v9a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2z",
  messages: BUBBLE,
  next: "m9 18 6-6-6-6",
  notes: "M21 9a2.4 2.4 0 0 0-.706-1.706l-3.588-3.588A2.4 2.4 0 0 0 15 3H5a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h14a2 2 0 0 0 2-2zM15 3v5a1 1 0 0 0 1 1h5",
  plus: "M5 12h14M12 5v14",
  send: "M14.536 21.686a.5.5 0 0 0 .937-.024l6.5-19a.496.496 0 0 0-.635-.635l-19 6.5a.5.5 0 0 0-.024.937l7.93 3.18a2 2 0 0 1 1.112 1.11zM21.854 2.147l-10.94 10.939",
  smile: `${ROUND}${EYES}M16.472 15a6 6 0 0 1-8.943 0`,
  tickets: "M2 9a3 3 0 0 1 0 6v2a2 2 0 0 0 2 2h16a2 2 0 0 0 2-2v-2a3 3 0 0 1 0-6V7a2 2 0 0 0-2-2H4a2 2 0 0 0-2 2ZM13 5v2M13 17v2M13 11v2",
  up: "m5 12 7-7 7 7M12 19V5",
};

/** From very poor to great. */
export const FACES = ["M7.5 17.5h9q-.7-4-4.5-4t-4.5 4", "M8 16.5q4-3 8 0", "M8 15.5h8", "M8 14.5q4 3 8 0", "M7.5 14h9q-.7 4-4.5 4t-4.5-4"].map(
  (mouth) => `${ROUND}${EYES}${mouth}`,
);
