// Airflow shows this page in a frame whose sandbox lets no link lead out of it. The frame is of
// the same origin, so the page around it can follow a link of the Airflow UI itself.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[target=_top]");
  const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey;
  if (!link || !plain || window.parent === window) return;
  event.preventDefault();
  const outside = window.parent.document.createElement("a");
  outside.href = link.href;
  outside.click();
});
