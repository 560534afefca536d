// What needs no server: units in grids, the colour scheme, the window's title, small screens' navigation.
(function () {
  "use strict";
  const PREFIXES = ["", "k", "M", "G", "T", "P", "E"];

  function scaled(value, unit) {
    if (value === null || value === undefined) { return "hidden"; }
    let at = 0;
    while (Math.abs(value) >= 999.5 && at < PREFIXES.length - 1) { value /= 1000; at += 1; }
    const digits = Math.abs(value) >= 99.95 || (at === 0 && Number.isInteger(value)) ? 0 : Math.abs(value) >= 9.995 ? 1 : 2;
    return (value.toFixed(digits) + " " + PREFIXES[at] + unit).trim();
  }

  const words = {
    bytes: (value) => scaled(value, "B"),
    rate: (value) => scaled(value, "bit/s"),
    count: (value) => (value === null || value === undefined ? "hidden" : Math.round(value).toLocaleString("en")),
    exact: (value) => (value === null || value === undefined ? "hidden" : Math.round(value).toLocaleString("en")),
    number: (value) => (value === null || value === undefined ? "none" : Number(value.toPrecision(3)).toLocaleString("en")),
    share: (value) => (value === null || value === undefined ? "hidden" : (value * 100).toFixed(1) + " %"),
    change: (value) => (value === null || value === undefined
      ? "no earlier value" : (value < 0 ? "\u2212" : "+") + Math.abs(value * 100).toFixed(1) + " %"),
    money: (value) => (value === null || value === undefined
      ? "not known" : (value < 0 ? "\u2212" : "+") + Math.abs(value).toFixed(2)),
    likely: (value) => (value === null || value === undefined ? "not known" : (value * 100).toFixed(0) + " %"),
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
