"use strict";
// Filters, orders and pages the products, all of which are in the file. Reads texts; never makes elements of them.
(() => {
  const PAGE = 24;
  const form = document.forms[0];
  const list = document.querySelector("main");
  const status = document.querySelector(".status");
  const pager = document.querySelector(".pager");
  const buttons = [...pager.querySelectorAll("button")];
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

  const products = [...document.querySelectorAll("article")].map((card, doubt) => ({
    card,
    doubt,
    catalog: Number(card.dataset.position),
    rows: [...card.querySelectorAll(".row")].map(({ dataset }) => ({
      kinds: dataset.kinds.split(" "),
      field: dataset.field,
      confidence: dataset.confidence === undefined ? undefined : Number(dataset.confidence),
    })),
    words: plain([card.textContent, ...[...card.querySelectorAll("[title]")].map(({ title }) => title)].join(" ")),
  }));
  let matching = products;
  let page = 0;

  // One row must have it all: a kind, of that field, at most that sure.
  function matches({ rows, words }) {
    const { kind, field, most, words: searched } = form.elements;
    const wanted = plain(searched.value).split(/\s+/).filter(Boolean);
    const limit = Number(most.value) / 100;
    return (
      wanted.every((word) => words.includes(word)) &&
      rows.some(
        (row) =>
          (kind.value === "" || row.kinds.includes(kind.value)) &&
          (field.value === "" || row.field === field.value) &&
          (limit === 1 || row.confidence <= limit),
      )
    );
  }

  function show() {
    const pages = Math.max(1, Math.ceil(matching.length / PAGE));
    page = Math.min(Math.max(page, 0), pages - 1);
    const here = new Set(matching.slice(page * PAGE, (page + 1) * PAGE));
    const found = new Set(matching);
    for (const product of products) {
      product.card.hidden = !found.has(product);
      product.card.classList.toggle("elsewhere", !here.has(product));
    }
    const count = matching.length.toLocaleString("en");
    status.textContent =
      matching.length === 0
        ? "No product matches."
        : `${count} ${matching.length === 1 ? "product" : "products"}` + (pages > 1 ? `, page ${page + 1} of ${pages}` : "");
    pager.hidden = pages === 1;
    pager.querySelector(".page").textContent = `${page + 1} of ${pages}`;
    buttons[0].disabled = page === 0;
    buttons[1].disabled = page === pages - 1;
  }

  function filter() {
    form.elements.percent.value = `${form.elements.most.value}%`;
    matching = products.filter(matches);
    page = 0;
    show();
  }

  function order() {
    const by = form.elements.order.value;
    products.sort((one, other) => one[by] - other[by]);
    list.append(...products.map(({ card }) => card));
  }

  form.addEventListener("input", ({ target }) => {
    if (!target.matches("select")) filter();
  });
  // A choice in a list is only sure to be told by this event.
  form.addEventListener("change", ({ target }) => {
    if (target.name === "order") order();
    if (target.matches("select")) filter();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => (order(), filter())));
  pager.addEventListener("click", ({ target }) => {
    if (!target.dataset.step) return;
    page += Number(target.dataset.step);
    show();
    status.focus();
    status.scrollIntoView();
  });

  form.hidden = status.hidden = products.length === 0;
  order();
  filter();
})();
