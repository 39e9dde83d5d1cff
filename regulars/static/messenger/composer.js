// @ts-check
// Where one writes: text that grows, files by button, paste and drop, emoji; a draft that is kept.

import { h } from "./dom.js";
import { emojiPicker } from "./emoji.js";
import { size, upload } from "./files.js";
import { icon, iconButton } from "./parts.js";

/** @typedef {import("./protocol.js").File} Attached */

/**
 * @param {import("./parts.js").Chat} chat
 * @param {() => string} thread what the draft belongs to
 * @param {(text: string, files: Attached[]) => boolean} say
 * @param {() => void} typing
 */
export function composer(chat, thread, say, typing) {
  const { t } = chat;
  const limits = () => chat.session().known.limits ?? { text: 4000, file_bytes: 0, files: 0, types: [] };
  /** @type {{file?: Attached, stop(): void}[]} */
  let attached = [];

  const chips = h("ul.chips");
  const problem = h("p.problem", { role: "alert" });
  const area = h("textarea", { rows: "1", dir: "auto", "aria-label": t("write"), placeholder: t("write"), maxlength: limits().text, enterkeyhint: "send" });
  const picker = h("input", { type: "file", multiple: true, hidden: true, accept: limits().types.join(",") });
  const smile = iconButton("smile", t("emoji"), () => (faces ? closeFaces() : openFaces()));
  smile.setAttribute("aria-expanded", "false");
  const clip = iconButton("clip", t("attach"), () => picker.click());
  const button = h("button.send", { type: "submit", "aria-label": t("send"), title: t("send") }, icon("up"));
  const node = h("form.compose", chips, problem, h("div.line", area, picker, smile, clip, button));

  const grow = () => {
    if (CSS.supports("field-sizing", "content")) return;
    area.style.height = "auto";
    area.style.height = `${area.scrollHeight}px`;
  };
  const look = () => {
    const isReady = attached.length ? attached.every((one) => one.file) : area.value.trim() != "";
    button.setAttribute("aria-disabled", String(!isReady));
    grow();
  };

  // Emoji

  /** @type {ReturnType<typeof emojiPicker> | undefined} */
  let faces;
  const closeFaces = () => {
    faces?.part.remove();
    faces = undefined;
    smile.setAttribute("aria-expanded", "false");
    area.focus();
  };
  const openFaces = () => {
    faces = emojiPicker(
      t("emoji"),
      (emoji) => {
        closeFaces();
        area.setRangeText(emoji, area.selectionStart, area.selectionEnd, "end");
        changed();
      },
      closeFaces,
    );
    smile.setAttribute("aria-expanded", "true");
    node.append(faces.part);
    faces.focus();
  };

  // Files

  /** @param {globalThis.File} file */
  const attach = (file) => {
    const { file_bytes: most, files, types } = limits();
    const { name } = file;
    if (!most) return;
    problem.textContent = "";
    if (attached.length >= files) return void (problem.textContent = t("tooMany", { n: files }));
    if (file.size > most) return void (problem.textContent = t("tooLarge", { name, size: size(most, chat.lang) }));
    if (!types.some((type) => name.toLowerCase().endsWith(type))) return void (problem.textContent = t("wrongType", { name }));
    const level = h("i.level");
    const { done, stop } = upload(chat, file, (part) => level.style.setProperty("inline-size", `${Math.round(part * 100)}%`));
    const remove = iconButton("cross", t("remove", { name }), () => {
      one.stop();
      forget();
      area.focus();
    });
    const item = h("li", { "aria-busy": "true" }, icon("clip"), h("bdi", name), remove, level);
    /** @type {{file?: Attached, stop(): void}} */
    const one = { stop };
    const forget = () => {
      attached = attached.filter((other) => other != one);
      item.remove();
      look();
    };
    attached.push(one);
    chips.append(item);
    look();
    done.then(
      (sent) => {
        one.file = sent;
        item.removeAttribute("aria-busy");
        level.remove();
        look();
      },
      (why) => {
        if (!attached.includes(one)) return;
        forget();
        problem.textContent = why || `${name}: ${t("failed")}`;
      },
    );
  };
  /** @param {DataTransfer | null} from @returns {boolean} whether there were files */
  const take = (from) => {
    const files = [...(from?.files ?? [])];
    for (const file of files) attach(file);
    return files.length > 0;
  };

  // Text

  const changed = () => {
    chat.session().keepDraft(thread(), area.value);
    problem.textContent = "";
    look();
  };
  const submit = () => {
    const text = area.value.trim();
    const files = attached.map((one) => one.file);
    if ((!text && !files.length) || files.includes(undefined)) return;
    if (!say(text, /** @type {Attached[]} */ (files))) return void (problem.textContent = t("full"));
    area.value = "";
    attached = [];
    chips.replaceChildren();
    changed();
    area.focus();
  };

  area.addEventListener("input", () => {
    changed();
    if (area.value.trim()) typing();
  });
  area.addEventListener("keydown", (event) => {
    // While an input method composes, Enter is its own.
    if (event.key != "Enter" || event.shiftKey || event.isComposing || event.keyCode == 229) return;
    event.preventDefault();
    submit();
  });
  area.addEventListener("paste", (event) => take(event.clipboardData) && event.preventDefault());
  picker.addEventListener("change", () => {
    for (const file of [...(picker.files ?? [])]) attach(file);
    picker.value = "";
    area.focus();
  });
  node.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  area.value = chat.session().draft(thread()) || "";
  look();

  return {
    part: node,
    take,
    grow,
    focus: () => area.focus(),
    update() {
      clip.hidden = !limits().file_bytes;
    },
    stop() {
      for (const one of attached) one.stop();
    },
  };
}
