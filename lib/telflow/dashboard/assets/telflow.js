// What needs no server: units in grids, the colour scheme, the window's title, small screens' navigation.
(function () {
  "use strict";
  const PREFIXES = ["", "k", "M", "G", "T", "P", "E"];
  const isNothing = (value) => value === null || value === undefined;

  function scaled(value, unit) {
    if (isNothing(value)) { return "hidden"; }
    let at = 0;
    while (Math.abs(value) >= 999.5 && at < PREFIXES.length - 1) { value /= 1000; at += 1; }
    const digits = Math.abs(value) >= 99.95 || (at === 0 && Number.isInteger(value)) ? 0 : Math.abs(value) >= 9.995 ? 1 : 2;
    return (value.toFixed(digits) + " " + PREFIXES[at] + unit).trim();
  }

  // with its sign, which a value that is rounded to nothing does not keep
  function signed(value, unit) {
    const rounded = Math.round(value * 1000) / 10;
    return (rounded < 0 ? "\u2212" : "+") + Math.abs(rounded).toFixed(1) + " " + unit;
  }

  function part(value) { return value > 0 && value < 0.0005 ? "< 0.1 %" : (value * 100).toFixed(1) + " %"; }

  const words = {
    bytes: (value) => scaled(value, "B"),
    rate: (value) => scaled(value, "bit/s"),
    count: (value) => (isNothing(value) ? "hidden" : Math.round(value).toLocaleString("en")),
    exact: (value) => (isNothing(value) ? "hidden" : Math.round(value).toLocaleString("en")),
    number: (value) => (isNothing(value) ? "none" : Number(value.toPrecision(3)).toLocaleString("en")),
    share: (value) => (isNothing(value) ? "hidden" : part(value)),
    change: (value) => (isNothing(value) ? "no earlier value" : signed(value, "%")),
    told_share: (value) => (isNothing(value) ? "not told" : part(value)),
    told_change: (value) => (isNothing(value) ? "not told" : signed(value, "%")),
    told_points: (value) => (isNothing(value) ? "not told" : signed(value, "points")),
    money: (value) => (isNothing(value)
      ? "not known" : (value < 0 ? "\u2212" : "+") + Math.abs(value).toFixed(2)),
    likely: (value) => (isNothing(value) ? "no probability" : (value * 100).toFixed(0) + " %"),
    scored: (value) => (isNothing(value) ? "not scored" : (value * 100).toFixed(1) + " %"),
  };
  window.dashAgGridFunctions = Object.assign(window.dashAgGridFunctions || {}, { telflow: words });

  // a cell that leads elsewhere: its row holds the address as link
  window.dashAgGridComponentFunctions = Object.assign(window.dashAgGridComponentFunctions || {}, {
    TelflowLink: (props) => window.React.createElement("a", { href: props.data.link }, props.value),
  });

  document.addEventListener("click", function (event) {
    const button = event.target.closest("button.export");
    if (!button) { return; }
    const grid = window.dash_ag_grid.getApi(JSON.parse(button.dataset.grid));
    if (grid) { grid.exportDataAsCsv({ fileName: button.dataset.file }); }
  });

  // the second click of two would take away what the first has set, or pick what came under the pointer meanwhile
  function once(selector) {
    return function (event) {
      if (event.detail > 1 && event.target.closest && event.target.closest(selector)) {
        event.stopPropagation();
        event.preventDefault();
      }
    };
  }
  document.addEventListener("mousedown", once("[id*='\"pick-graph\"']"), true);
  document.addEventListener("click", once("[id*='\"pick-grid\"'] .ag-cell, [id*='\"pick-graph\"'] .slice"), true);

  // what a click on a row does, Enter does too
  document.addEventListener("keydown", function (event) {
    const cell = event.key === "Enter" && event.target.closest && event.target.closest(".ag-cell");
    if (!cell) { return; }
    const link = cell.querySelector("a");
    if (link) { link.click(); } else if (cell.closest("[id*='\"pick-grid\"']")) { cell.click(); }
  });

  // the page is printed as it stands on the screen, as wide as the paper: charts and tables keep their sizes
  const PAPER = 700; // pixels of print between the margins of A4
  window.addEventListener("beforeprint", function () {
    const page = document.getElementById("page");
    const root = document.documentElement;
    if (!page) { return; }
    root.style.setProperty("--screen-width", page.offsetWidth + "px");
    root.style.setProperty("--print-zoom", Math.min(1, PAPER / page.offsetWidth));
    root.classList.add(window.innerWidth > 1100 ? "printed-wide" : "printed");
  });
  window.addEventListener("afterprint", function () {
    document.documentElement.classList.remove("printed-wide", "printed");
  });

  function schemeOf(isDark) {
    const scheme = isDark ? "dark" : "light";
    document.documentElement.dataset.agThemeMode = scheme;
    return scheme;
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    telflow: {
      set_scheme: function (isDark, stored) {
        const isFirst = !window.dash_clientside.callback_context.triggered_id;
        const preferred = window.matchMedia && window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
        const scheme = schemeOf(isFirst ? (stored || preferred) === "dark" : Boolean(isDark));
        return [scheme, scheme, scheme === "dark"];
      },
      set_title: function (title) {
        if (title) { document.title = title; }
        return "";
      },
      open_navigation: function (isOpen, navbar) {
        return Object.assign({}, navbar, { collapsed: { mobile: !isOpen } });
      },
    },
  });
})();
