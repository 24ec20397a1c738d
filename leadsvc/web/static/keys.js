// Keys for people who use these pages all day. Everything works without this file.
(() => {
  "use strict";
  const rows = [...document.querySelectorAll("table[data-keys] tbody tr")].filter((row) => row.querySelector("a.go"));
  const places = { c: "/", e: "/exceptions", f: "/dead-letters", s: "/reviews/next" };
  let chosen = -1;
  let going = false;

  const typing = (target) => target.closest("input, select, textarea, [contenteditable]") !== null;

  function choose(step) {
    if (!rows.length) return;
    if (chosen >= 0) rows[chosen].classList.remove("chosen");
    chosen = Math.max(0, Math.min(rows.length - 1, chosen + step));
    rows[chosen].classList.add("chosen");
    // Focus is what Enter opens, and what a screen reader reads.
    rows[chosen].querySelector("a.go").focus();
    rows[chosen].scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && typing(event.target)) return event.target.blur();
    if (typing(event.target)) return;
    if (going) {
      going = false;
      if (places[event.key]) location.assign(places[event.key]);
      return;
    }
    if (event.key === "j") choose(1);
    else if (event.key === "k") choose(-1);
    else if (event.key === "g") going = true;
    else if (event.key === "?") location.assign("/help");
    // Only focused: what a key chose, Enter carries out.
    else if (/^[a-z]$/.test(event.key)) document.querySelector(`[data-key="${event.key}"]`)?.focus();
    else if (event.key === "/") {
      const search = document.getElementById("q");
      if (search) {
        event.preventDefault();
        search.focus();
        search.select();
      }
    }
  });
})();
