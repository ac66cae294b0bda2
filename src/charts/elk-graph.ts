/** What is asked of ELK: the part of elkjs that is used here, in words of our own, so that nobody needs elkjs to read this package's types. */

export interface ElkPoint {
  readonly x: number;
  readonly y: number;
}

export interface ElkShape {
  id: string;
  x?: number;
  y?: number;
  width?: number;
  height?: number;
  layoutOptions?: Record<string, string>;
}

export interface ElkNode extends ElkShape {
  children?: ElkNode[];
  ports?: ElkShape[];
  edges?: ElkEdge[];
}

export interface ElkEdge {
  id: string;
  sources: string[];
  targets: string[];
  labels?: (ElkShape & { text?: string })[];
  sections?: { startPoint: ElkPoint; bendPoints?: ElkPoint[]; endPoint: ElkPoint }[];
  layoutOptions?: Record<string, string>;
}

/** Lays a graph out: what elkjs's `new ELK()` does. */
export interface Elk {
  layout(graph: ElkNode, options?: { layoutOptions?: Record<string, string> }): Promise<ElkNode>;
}
