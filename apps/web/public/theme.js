// Before anything is drawn: the theme that was chosen here. Without a choice, the system's holds.
try {
  const chosen = localStorage.getItem('umbra-theme');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
} catch {
  // A browser that keeps nothing has the system's theme.
}
