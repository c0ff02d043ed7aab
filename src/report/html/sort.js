// Sorts a table by the column whose head is clicked. Without it the page reads the same.
for (const head of document.querySelectorAll('table.sortable thead th')) {
  const button = document.createElement('button');
  button.append(...head.childNodes);
  head.append(button);
  button.addEventListener('click', () => {
    const up = head.getAttribute('aria-sort') !== 'ascending';
    const body = head.closest('table').tBodies[0];
    const key = row => { const cell = row.cells[head.cellIndex]; return cell.dataset.key ?? cell.textContent; };
    const order = new Intl.Collator('en', { numeric: true });
    const rows = [...body.rows].sort((a, b) => order.compare(key(a), key(b)) * (up ? 1 : -1));
    for (const other of head.parentNode.cells) other.removeAttribute('aria-sort');
    head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
    body.append(...rows);
  });
}
