"use strict";
// Runs before the page is painted. "auto" follows the system; a choice is kept in this browser.
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  let choice = "auto";
  try {
    choice = localStorage.getItem("ff-theme") || choice;
  } catch { /* storage is refused: a choice holds until the page is left */ }
  const apply = () => {
    root.dataset.chosen = choice;
    root.dataset.theme = choice === "dark" || (choice === "auto" && system.matches) ? "dark" : "light";
    document.dispatchEvent(new CustomEvent("themechange"));
  };
  document.addEventListener("themechoice", (event) => {
    choice = event.detail;
    try {
      localStorage.setItem("ff-theme", choice);
    } catch { /* as above */ }
    apply();
  });
  system.addEventListener("change", apply);
  apply();
})();
