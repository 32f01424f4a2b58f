// Tables that can be sorted and filtered. Without this the page is complete: nothing here makes content.
"use strict";
(() => {
  const order = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

  const valueOf = (row, column) => {
    const cell = row.cells[column];
    const value = cell.dataset.value;
    if (value !== undefined) return Number(value);
    const text = cell.textContent.trim();
    return cell.classList.contains("number") || text === "-" ? null : text;
  };

  // What is missing stays below, whichever way it is sorted.
  const compare = (a, b, sign) => {
    if (a === null || b === null) return (a === null) - (b === null);
    return sign * (typeof a === "number" && typeof b === "number" ? a - b : order.compare(String(a), String(b)));
  };

  const makeSortable = (table, body, rows, say) => {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      head.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const next = { none: "ascending", ascending: "descending", descending: "none" }[head.getAttribute("aria-sort")];
        heads.forEach((each) => each.setAttribute("aria-sort", "none"));
        head.setAttribute("aria-sort", next);
        const sign = next === "descending" ? -1 : 1;
        const sorted = next === "none" ? rows : [...rows].sort((a, b) => compare(valueOf(a, column), valueOf(b, column), sign));
        body.append(...sorted);
        say(next === "none" ? "In the study's order." : `Sorted by ${button.textContent.trim()}, ${next}.`);
      });
    });
  };

  const makeFilter = (table, rows, status, number) => {
    const bar = document.createElement("div");
    bar.className = "filter";
    const label = document.createElement("label");
    const input = document.createElement("input");
    input.type = "search";
    input.id = `filter-${number}`;
    input.autocomplete = "off";
    label.htmlFor = input.id;
    label.textContent = "Filter rows";
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row) => {
        const text = [...row.cells].map((cell) => cell.textContent.trim()).join("\n").toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        shown += row.hidden ? 0 : 1;
      });
      status.textContent = `${shown} of ${rows.length} rows`;
    });
    bar.append(label, input, status);
    table.closest(".scroll").before(bar);
  };

  document.querySelectorAll("table").forEach((table, number) => {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    if (rows.length < 2) return;
    const status = document.createElement("span");
    status.setAttribute("role", "status");
    status.setAttribute("aria-live", "polite");
    if (table.hasAttribute("data-filter")) {
      status.textContent = `${rows.length} rows`;
      makeFilter(table, rows, status, number);
    } else {
      status.className = "unseen";
      table.closest(".scroll").after(status);
    }
    makeSortable(table, body, rows, (text) => {
      const shown = rows.filter((row) => !row.hidden).length;
      status.textContent = `${shown === rows.length ? "" : `${shown} of `}${rows.length} rows. ${text}`;
    });
  });

  // Paper has no folds: all of it is printed.
  const folds = [...document.querySelectorAll("details")];
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = folds.filter((fold) => !fold.open);
    closed.forEach((fold) => { fold.open = true; });
  });
  window.addEventListener("afterprint", () => closed.forEach((fold) => { fold.open = false; }));

  // A link into a fold opens it.
  const openTarget = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let fold = target && target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  };
  window.addEventListener("hashchange", openTarget);
  openTarget();
})();
