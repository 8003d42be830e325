// What a page is held to beside axe's rules, as functions of the document: each returns a list of findings in words.
({
  name(element) {
    const id = element.id ? `#${element.id}` : "";
    const kind = typeof element.className === "string" && element.className ? `.${element.className.trim().split(/\s+/)[0]}` : "";
    const text = (element.getAttribute("aria-label") || element.textContent || "").trim().replace(/\s+/g, " ").slice(0, 40);
    return `<${element.tagName.toLowerCase()}${id}${kind}> ${JSON.stringify(text)}`;
  },

  isShown(element) {
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return false;
    const box = element.getBoundingClientRect();
    return box.width > 1 && box.height > 1;
  },

  // Whether the element is in a box that scrolls or cuts by itself: then it does not make the page wider.
  isInABox(element, kinds) {
    for (let at = element.parentElement; at && at !== document.body; at = at.parentElement) {
      if (kinds.test(getComputedStyle(at).overflowX)) return true;
    }
    return false;
  },

  wider() {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    const guilty = [...document.body.querySelectorAll("*")]
      .filter(e => e.getBoundingClientRect().right > width + 1 && this.isShown(e) && !this.isInABox(e, /auto|scroll|hidden|clip/))
      .map(e => `${this.name(e)} ends at ${Math.round(e.getBoundingClientRect().right)}`);
    return [`wider than the page: ${document.documentElement.scrollWidth} of ${width}: ${guilty.slice(0, 5).join("; ")}`];
  },

  cut() {
    return [...document.body.querySelectorAll("*")]
      .filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 1 && /hidden|clip/.test(getComputedStyle(e).overflowX)
        && e.textContent.trim() && !(e instanceof SVGElement) && this.isShown(e))
      .map(e => `text is cut: ${this.name(e)}`).concat(this.cutChoices());
  },

  unnamed() {
    return [...document.querySelectorAll("table:not(:has(> caption)):not([aria-label])")].map(e => `a table without a name: ${this.name(e)}`);
  },

  // Words of a chart stand beside each other, and within it; signs of single trades may stand close together.
  crowded() {
    return [...document.querySelectorAll("svg.chart")].flatMap(svg => {
      const all = [...svg.querySelectorAll("text:not(.chart-marker)")].filter(e => this.isShown(e)).map(e => [e, e.getBoundingClientRect()]);
      const whole = svg.getBoundingClientRect();
      return all.flatMap(([e, box], n) => [
        ...(box.left < whole.left - 2 || box.right > whole.right + 2 ? [`beyond the chart: ${this.name(e)}`] : []),
        ...all.slice(n + 1).filter(([, other]) => Math.min(box.right, other.right) - Math.max(box.left, other.left) > 1
          && Math.min(box.bottom, other.bottom) - Math.max(box.top, other.top) > 4).map(([other]) => `crowded: ${this.name(e)} and ${this.name(other)}`),
      ]);
    }).slice(0, 5);
  },

  // What is chosen stands whole in its box: a copy as wide as it wants to be tells how much room it asks for.
  cutChoices() {
    return [...document.querySelectorAll("select")].filter(e => this.isShown(e)).flatMap(e => {
      const copy = e.cloneNode(true);
      copy.style.cssText = "position: absolute; width: auto; max-width: none;";
      e.parentElement.append(copy);
      const wanted = copy.getBoundingClientRect().width;
      copy.remove();
      const room = e.getBoundingClientRect().width;
      return wanted > room + 1 ? [`a choice is cut: ${this.name(e)} wants ${Math.round(wanted)} of ${Math.round(room)}`] : [];
    });
  },

  // Words and numbers of one row stand on one line.
  uneven() {
    const range = document.createRange();
    const texts = row => [...row.cells].flatMap(cell => {
      const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        const text = walker.currentNode;
        if (!text.data.trim() || !this.isShown(text.parentElement)) continue;
        range.selectNodeContents(text);
        return [{ bottom: range.getClientRects()[0].bottom, size: getComputedStyle(text.parentElement).fontSize }];
      }
      return [];
    });
    const found = [...document.querySelectorAll("tbody tr")].slice(0, 200).flatMap(row => {
      const all = texts(row);
      if (!all.length) return [];
      const alike = all.filter(one => one.size === all[0].size).map(one => one.bottom);
      const apart = Math.max(...alike) - Math.min(...alike);
      return apart > 1 ? [`uneven by ${apart.toFixed(1)}: ${this.name(row)}`] : [];
    });
    return found.slice(0, 3);
  },

  // Words of letters stand on one line; addresses and paths may be broken. Of long tables the first rows are enough.
  broken() {
    const found = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const range = document.createRange();
    while (texts.nextNode()) {
      const text = texts.currentNode;
      const row = text.parentElement.closest("tr");
      if (!text.data.trim() || (row && row.sectionRowIndex > 20) || !this.isShown(text.parentElement)) continue;
      for (const word of text.data.matchAll(/(?<=^|\s)[^A-Za-z\s]{0,3}([A-Za-z]{2,14})[^A-Za-z\s]{0,3}(?=\s|$)/g)) {
        range.setStart(text, word.index);
        range.setEnd(text, word.index + word[0].length);
        const tops = new Set([...range.getClientRects()].map(box => Math.round(box.top)));
        if (tops.size > 1) found.push(`a word is broken: ${word[1]} in ${this.name(text.parentElement)}`);
      }
    }
    return [...new Set(found)].slice(0, 8);
  },

  // Takes away the rows of tables that look like two before them: the same elements with the same classes, roles and attributes, keys
  // reach the same ones, and there is text where those have text.
  takeAlike() {
    const look = e =>
      [e.tagName, e.getAttribute("class"), e.getAttribute("role"), e.getAttributeNames(), e.tabIndex, !!e.textContent.trim()].join();
    window.__alike = [];
    for (const table of document.querySelectorAll("table")) {
      const seen = {};
      for (const row of [...table.rows]) {
        const looks = [row, ...row.querySelectorAll("*")].map(look).join();
        seen[looks] = (seen[looks] || 0) + 1;
        if (seen[looks] <= 2) continue;
        window.__alike.push([row, row.parentNode, row.nextSibling]);
        row.remove();
      }
    }
    return [];
  },

  bringBack() {
    for (const [row, parent, next] of window.__alike.reverse()) parent.insertBefore(row, next);
    return [];
  },

  interactive() {
    const all = document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex], [role=button]");
    return [...all].filter(e => this.isShown(e) && !e.disabled);
  },

  small() {
    return this.interactive().filter(e => {
      if (e.tabIndex < 0) return false;
      const box = e.getBoundingClientRect();
      let { width, height } = box;
      for (const label of e.labels || []) {
        const other = label.getBoundingClientRect();
        width = Math.max(width, other.width);
        height = Math.max(height, other.height);
      }
      if (width >= 23.99 && height >= 23.99) return false;
      // A link within a sentence is as high as its line.
      const around = e.parentElement.textContent.trim().length - e.textContent.trim().length;
      return !(e.matches("a[href]") && getComputedStyle(e).display === "inline" && around > 0);
    }).map(e => {
      const box = e.getBoundingClientRect();
      return `target of ${Math.round(box.width)} x ${Math.round(box.height)}: ${this.name(e)}`;
    });
  },

  // What reacts to a pointer and is nothing that a key could reach.
  deaf() {
    return [...document.body.querySelectorAll("*")]
      .filter(e => getComputedStyle(e).cursor === "pointer" && this.isShown(e)
        && !e.closest("a[href], button, input, select, textarea, summary, label, [tabindex='0']"))
      .map(e => `for pointers only: ${this.name(e)}`);
  },

  // Notes what has the focus now, and whether that can be seen; null once the focus has left the document.
  focused() {
    const element = document.activeElement;
    if (!element || element === document.body) return null;
    const seen = window.__seen || (window.__seen = new Set());
    if (seen.has(element)) return null;
    seen.add(element);
    const style = getComputedStyle(element);
    const isMarked = style.outlineStyle !== "none" || style.boxShadow !== "none";
    return isMarked ? "" : `focus cannot be seen: ${this.name(element)}`;
  },

  // Of a group of radio buttons one is a stop, as the others are reached by arrows.
  unreached() {
    const seen = window.__seen || new Set();
    return this.interactive()
      .filter(e => e.tabIndex >= 0 && !seen.has(e) && !(e.type === "radio" && [...seen].some(s => s.name === e.name)))
      .map(e => `not reached by keys: ${this.name(e)}`);
  },

  // In print nothing scrolls: what a box on the screen scrolls to is not on paper.
  lost() {
    return [...document.body.querySelectorAll("*")]
      .filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 1 && /auto|scroll|hidden|clip/.test(getComputedStyle(e).overflowX)
        && !(e instanceof SVGElement) && this.isShown(e))
      .map(e => `nothing beyond ${e.clientWidth} of ${e.scrollWidth} in ${this.name(e)}`);
  },
})
