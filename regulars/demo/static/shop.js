// @ts-check
/*
 * The demo shop's own behaviour. Basket and account live in this browser alone;
 * what a visitor does is told to Regulars exactly as a customer's shop would.
 */
(() => {
  /**
   * @typedef {{product_id: string, quantity: number}} Line
   * @typedef {{id: string, name: string, email: string, plan: string, since: string, orders: number, spent: number}} Account
   * @typedef {{name: string, kind: string, price: number}} Facts
   */

  // Works before the tracker has loaded, and after.
  const site = /** @type {any} */ (window);
  site.regulars ||= [];
  /** @param {...any} call the tracker's method and what it is given */
  const tell = (...call) => site.regulars.push(call);

  // What this browser remembers

  /** @template T @param {string} key @param {T} otherwise @returns {T} */
  const kept = (key, otherwise) => {
    try {
      return JSON.parse(localStorage.getItem("demo." + key) || "null") ?? otherwise;
    } catch {
      return otherwise;
    }
  };

  /** @param {string} key @param {unknown} value */
  const keep = (key, value) => {
    try {
      if (value == null) localStorage.removeItem("demo." + key);
      else localStorage.setItem("demo." + key, JSON.stringify(value));
    } catch {
      // Without storage the basket lasts for a page.
    }
  };

  const basket = () => kept("basket", /** @type {Line[]} */ ([]));
  const account = () => kept("account", /** @type {Account | null} */ (null));

  /** @template {Element} T @param {string} selector @param {ParentNode} [within] */
  const all = (selector, within = document) => /** @type {T[]} */ ([...within.querySelectorAll(selector)]);

  /** @param {number} euros */
  const money = (euros) => "€" + (Number.isInteger(euros) ? euros : euros.toFixed(2));

  /** @param {string} name @param {string} text */
  const say = (name, text) => {
    for (const line of all(`[data-said="${name}"]`)) line.textContent = text;
  };

  /** @param {string} name @param {(values: FormData, form: HTMLFormElement) => void} then */
  const onForm = (name, then) => {
    for (const form of /** @type {HTMLFormElement[]} */ (all(`form[data-form="${name}"]`))) {
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        then(new FormData(form), form);
      });
    }
  };

  /** @param {FormData} values @param {string} name */
  const text = (values, name) => String(values.get(name) ?? "").trim();

  /** @param {string} id @returns {Facts} */
  const facts = (id) => {
    const { name = id, kind = "", price = "0" } = all(`[data-thumb="${CSS.escape(id)}"]`).map(
      (thumb) => /** @type {HTMLElement} */ (thumb).dataset,
    )[0] ?? {};
    return { name, kind, price: Number(price) };
  };

  /** @param {Line} line a product as Segment's commerce events describe it */
  const described = ({ product_id, quantity }) => {
    const { name, kind, price } = facts(product_id);
    return { product_id, name, category: kind, price, quantity };
  };

  // Who is here

  const showAccount = () => {
    const me = account();
    for (const part of /** @type {HTMLElement[]} */ (all("[data-signed]"))) {
      part.hidden = part.dataset.signed !== (me ? "in" : "out");
    }
    if (!me) return;
    for (const part of all("[data-first-name]")) part.textContent = me.name.split(" ")[0] || "Account";
    const shown = { ...me, since: new Date(me.since).toLocaleDateString(), spent: money(me.spent) };
    for (const part of /** @type {HTMLElement[]} */ (all("[data-fact]"))) {
      part.textContent = String(shown[/** @type {keyof Account} */ (part.dataset.fact)]);
    }
    const plan = /** @type {HTMLSelectElement | null} */ (document.querySelector("#plan"));
    if (plan) plan.value = me.plan;
    const name = /** @type {HTMLInputElement | null} */ (document.querySelector("#order-name"));
    if (name) name.value = me.name;
  };

  const leave = () => {
    keep("account", null);
    keep("basket", null);
    tell("reset");
  };

  onForm("sign-up", (values) => {
    const email = text(values, "email");
    const name = text(values, "name");
    const plan = text(values, "plan");
    const since = new Date().toISOString();
    // The same address on another device is the same user.
    const id = "demo-" + email.toLowerCase().replace(/[^a-z0-9]+/g, "-");
    keep("account", { id, name, email, plan, since, orders: 0, spent: 0 });
    tell("identify", id, { name, email, plan, newsletter: values.has("newsletter"), createdAt: since });
    tell("track", "Signed Up", { plan });
    location.href = "/demo/account/";
  });

  onForm("plan", (values) => {
    const me = account();
    if (!me) return;
    const before = me.plan;
    me.plan = text(values, "plan");
    keep("account", me);
    tell("identify", me.id, { plan: me.plan });
    tell("track", "Plan Changed", { from: before, to: me.plan });
    say("plan", "Changed. The console knows already.");
  });

  onForm("log-out", () => {
    tell("track", "Signed Out");
    leave();
    location.href = "/demo/";
  });

  onForm("letters", (values, form) => {
    tell("identify", { email: text(values, "email") });
    tell("track", "Subscribed", { list: "letters" });
    form.reset();
    say("letters", "Thank you. You are a lead now, if you were a visitor.");
  });

  for (const link of all("[data-as-new]")) link.addEventListener("click", leave);

  // The shelf: narrowed down without loading the page again

  const shelf = document.querySelector("[data-cards]");
  const showKind = () => {
    const kind = new URLSearchParams(location.search).get("kind") ?? "";
    let shown = 0;
    for (const card of /** @type {HTMLElement[]} */ (shelf ? all("[data-kind]", shelf) : [])) {
      card.hidden = kind !== "" && card.dataset.kind !== kind;
      if (!card.hidden) shown += 1;
    }
    for (const link of /** @type {HTMLElement[]} */ (all("[data-kind-link]"))) {
      if (link.dataset.kindLink === kind) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    for (const count of all("[data-shown]")) count.textContent = String(shown);
    document.title = document.title.replace(/^.*(?= · )/, kind || "Shop");
  };
  if (shelf) {
    showKind();
    addEventListener("popstate", showKind);
    for (const link of /** @type {HTMLAnchorElement[]} */ (all("[data-kind-link]"))) {
      link.addEventListener("click", (event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return;
        event.preventDefault();
        history.pushState(null, "", link.href);
        showKind();
      });
    }
  }

  // The basket

  const showCount = () => {
    const pieces = basket().reduce((sum, line) => sum + line.quantity, 0);
    for (const count of all("[data-basket-count]")) {
      count.textContent = String(pieces);
      count.toggleAttribute("data-any", pieces > 0);
    }
  };

  /** @param {string} id @param {number} quantity how many there are to be; none takes the line away */
  const setQuantity = (id, quantity) => {
    const lines = basket();
    const line = lines.find((other) => other.product_id === id);
    if (line) line.quantity = quantity;
    else lines.push({ product_id: id, quantity });
    keep("basket", lines.filter((other) => other.quantity > 0));
    showCount();
    showLines();
  };

  const total = () => basket().reduce((sum, line) => sum + facts(line.product_id).price * line.quantity, 0);

  /** @param {Line} line @param {boolean} slim */
  const row = (line, slim) => {
    const { name, price } = facts(line.product_id);
    const item = document.createElement("li");
    const thumb = /** @type {HTMLTemplateElement | null} */ (
      document.querySelector(`template[data-thumb="${CSS.escape(line.product_id)}"]`)
    );
    if (thumb) item.append(thumb.content.cloneNode(true));
    const link = document.createElement("a");
    link.href = `/demo/shop/${encodeURIComponent(line.product_id)}/`;
    link.textContent = slim ? `${line.quantity} × ${name}` : name;
    const cost = document.createElement("span");
    cost.className = "price";
    cost.textContent = money(price * line.quantity);
    item.append(link, cost);
    if (slim) return item;
    const quantity = document.createElement("input");
    Object.assign(quantity, { type: "number", min: "1", max: "12", value: String(line.quantity) });
    quantity.setAttribute("aria-label", `How many of ${name}`);
    quantity.addEventListener("change", () => {
      const wanted = Math.max(1, Math.min(12, Math.trunc(Number(quantity.value)) || 1));
      tell("track", "Product Quantity Changed", { ...described(line), quantity: wanted });
      setQuantity(line.product_id, wanted);
    });
    const away = document.createElement("button");
    away.className = "away";
    away.textContent = "Take out";
    away.setAttribute("aria-label", `Take ${name} out`);
    away.addEventListener("click", () => {
      tell("track", "Product Removed", described(line));
      setQuantity(line.product_id, 0);
    });
    cost.before(quantity);
    item.append(away);
    return item;
  };

  const showLines = () => {
    const lines = basket();
    for (const list of all("[data-lines]")) {
      list.replaceChildren(...lines.map((line) => row(line, list.classList.contains("slim"))));
    }
    for (const sum of all("[data-total]")) sum.textContent = money(total());
    for (const part of /** @type {HTMLElement[]} */ (all("[data-full]"))) part.hidden = !lines.length;
    for (const part of /** @type {HTMLElement[]} */ (all("[data-empty]"))) part.hidden = lines.length > 0;
  };

  const shown = /** @type {HTMLElement | null} */ (document.querySelector("[data-product]"));
  if (shown) {
    const { product = "", name = "", productKind = "", price = "0" } = shown.dataset;
    const piece = { product_id: product, name, category: productKind, price: Number(price), currency: "EUR" };
    tell("track", "Product Viewed", piece);
    onForm("buy", (values) => {
      const quantity = Math.max(1, Number(values.get("quantity")) || 1);
      const had = basket().find((line) => line.product_id === product)?.quantity ?? 0;
      tell("track", "Product Added", { ...piece, quantity });
      setQuantity(product, Math.min(12, had + quantity));
      say("buy", `In the basket. ${had ? "There was one like it already." : "Good choice."}`);
    });
  }

  const page = document.body.dataset.page;
  const products = () => basket().map(described);
  if (page === "cart" && basket().length) {
    tell("track", "Cart Viewed", { value: total(), currency: "EUR", products: products() });
  }
  if (page === "checkout") {
    if (!basket().length) location.replace("/demo/cart/");
    else tell("track", "Checkout Started", { value: total(), currency: "EUR", products: products() });
  }

  onForm("order", (values) => {
    if (!basket().length) return;
    const coupon = text(values, "coupon").toUpperCase();
    const discount = coupon === "CLOVER" ? total() / 10 : 0;
    const paid = Math.round((total() - discount) * 100) / 100;
    const number = kept("orders", 0) + 1;
    const order = {
      order_id: `KC-${Date.now().toString(36).toUpperCase()}-${number}`,
      total: paid,
      discount,
      coupon: coupon || undefined,
      currency: "EUR",
      products: products(),
    };
    tell("track", "Order Completed", order);
    const me = account();
    if (me) {
      me.orders += 1;
      me.spent = Math.round((me.spent + paid) * 100) / 100;
      keep("account", me);
      tell("identify", me.id, {
        lifetime_value: me.spent,
        orders: me.orders,
        last_order_at: new Date().toISOString(),
      });
    }
    keep("orders", number);
    keep("order", order.order_id);
    keep("basket", null);
    location.href = "/demo/thanks/";
  });
  for (const part of all("[data-order-number]")) part.textContent = kept("order", "");

  showAccount();
  showCount();
  showLines();
})();
