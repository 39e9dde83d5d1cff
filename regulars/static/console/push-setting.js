// <push-setting data-key="…">: whether this browser hears of new messages. Its form tells the server
// of the browser; another takes it back.

const WORKER = "/push-worker.js";

/** @typedef {"cannot" | "blocked" | "off" | "on"} State */

class PushSetting extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest("button") : null;
      if (button?.hasAttribute("data-on")) void this.#guarded(() => this.#turnOn());
      if (button?.hasAttribute("data-off")) void this.#guarded(() => this.#turnOff());
    });
    void this.#guarded(async () => this.#show(await state()));
  }

  /** @param {() => Promise<void>} work */
  async #guarded(work) {
    try {
      await work();
    } catch (error) {
      // Its maker's push service can't be reached, or the browser has none.
      console.warn("push:", error);
      this.#show((await state().catch(() => "cannot")) === "blocked" ? "blocked" : "cannot");
    }
  }

  /** @param {State} now */
  #show(now) {
    for (const part of this.querySelectorAll("[data-when]")) {
      if (part instanceof HTMLElement) part.hidden = part.dataset.when !== now;
    }
  }

  async #turnOn() {
    if ((await Notification.requestPermission()) !== "granted") {
      this.#show(await state());
      return;
    }
    const registration = await navigator.serviceWorker.register(WORKER);
    await navigator.serviceWorker.ready;
    const key = bytes(this.dataset.key ?? "");
    const before = await registration.pushManager.getSubscription();
    // One that was made with another key can't be used with this one.
    if (before && !same(before.options.applicationServerKey, key)) await before.unsubscribe();
    const made = await registration.pushManager.subscribe({
      userVisibleOnly: true,
      applicationServerKey: key,
    });
    const { endpoint, keys } = made.toJSON();
    this.#send("subscribe", { endpoint, p256dh: keys?.p256dh, auth: keys?.auth });
  }

  async #turnOff() {
    const subscription = await subscribed();
    if (!subscription) return this.#show("off");
    await subscription.unsubscribe();
    this.#send("unsubscribe", { endpoint: subscription.endpoint });
  }

  /**
   * @param {string} name
   * @param {Record<string, string | undefined>} values
   */
  #send(name, values) {
    const form = /** @type {HTMLFormElement} */ (this.querySelector(`form[data-form="${name}"]`));
    for (const [field, value] of Object.entries(values)) {
      /** @type {HTMLInputElement} */ (form.elements.namedItem(field)).value = value ?? "";
    }
    form.requestSubmit();
  }
}

/** @returns {Promise<State>} */
async function state() {
  if (!("serviceWorker" in navigator) || !("PushManager" in window)) return "cannot";
  if (Notification.permission === "denied") return "blocked";
  return Notification.permission === "granted" && (await subscribed()) ? "on" : "off";
}

async function subscribed() {
  const registration = await navigator.serviceWorker.getRegistration(WORKER);
  return registration?.pushManager.getSubscription();
}

/** @param {string} text base64url */
function bytes(text) {
  const raw = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(raw, (letter) => letter.charCodeAt(0));
}

/**
 * @param {ArrayBuffer | null} one
 * @param {Uint8Array} other
 */
function same(one, other) {
  const these = new Uint8Array(one ?? new ArrayBuffer(0));
  return these.length === other.length && these.every((value, at) => value === other[at]);
}

customElements.define("push-setting", PushSetting);

export {};
