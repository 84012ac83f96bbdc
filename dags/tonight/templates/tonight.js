// Airflow shows this page in a frame whose sandbox lets no link leave it. The frame is of the
// same origin, so a link of the Airflow UI is followed by the page around it.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[target=_top]");
  const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey;
  if (!link || !plain || window.parent === window) return;
  event.preventDefault();
  window.parent.location.href = link.href;
});
