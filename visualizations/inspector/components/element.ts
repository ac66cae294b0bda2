/** Elements of the page, and changes to them that cost nothing where nothing has changed. */

type Listeners = { readonly [Type in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[Type]) => void };

export interface Attributes {
  /** Attributes by their names; false, null and undefined: without it; true: without a value. */
  readonly [name: string]: string | number | boolean | null | undefined | Listeners;
  readonly on?: Listeners;
}

type Child = Node | string;

/** `element('button', { class: 'quiet', on: { click } }, 'stop')`. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  dress(made, attributes);
  made.append(...children);
  return made;
}

/** The same of SVG. */
export function drawn<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[Tag] {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  dress(made, attributes);
  made.append(...children);
  return made;
}

function dress(made: Element, { on, ...attributes }: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) setAttribute(made, name, value as string);
  for (const [type, listener] of Object.entries(on ?? {})) made.addEventListener(type, listener as EventListener);
}

/** Sets what is another. False, null and undefined: taken away. */
export function setAttribute(of: Element, name: string, value: string | number | boolean | null | undefined): void {
  if (value === false || value === null || value === undefined) {
    if (of.hasAttribute(name)) of.removeAttribute(name);
    return;
  }
  const text = value === true ? '' : String(value);
  if (of.getAttribute(name) !== text) of.setAttribute(name, text);
}

export function setText(of: Node, text: string): void {
  if (of.textContent !== text) of.textContent = text;
}

export function setHidden(of: HTMLElement, isHidden: boolean): void {
  if (of.hidden !== isHidden) of.hidden = isHidden;
}

export function setStyle(of: ElementCSSInlineStyle, name: string, value: string): void {
  if (of.style.getPropertyValue(name) !== value) of.style.setProperty(name, value);
}

/** Puts other children into an element, unless they are the same ones. */
export function setChildren(of: Element, ...children: Child[]): void {
  const { childNodes } = of;
  if (childNodes.length === children.length && children.every((child, index) => child === childNodes[index])) return;
  of.replaceChildren(...children);
}
