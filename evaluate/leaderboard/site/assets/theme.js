// In the head, so that the page is never painted in the wrong colours. Storage may be forbidden (a framed page).
"use strict";
const root = document.documentElement;
root.classList.add("js");

function storedTheme() {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null;
  }
}

function setTheme(theme) {
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  else delete root.dataset.theme;
}

setTheme(storedTheme());

addEventListener("DOMContentLoaded", () => {
  const select = document.getElementById("theme");
  select.value = root.dataset.theme ?? "auto";
  select.addEventListener("change", () => {
    setTheme(select.value);
    try {
      localStorage.setItem("theme", select.value);
    } catch {
      // The choice then holds for this page.
    }
  });
  for (const button of document.querySelectorAll("button.copy")) {
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(button.previousElementSibling.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(button.previousElementSibling);
        button.textContent = "Selected";
      }
    });
  }
});
