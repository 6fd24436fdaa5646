/** Call stacks put together by what they have in common. */

/** A function, reached by one way of calls. */
export interface FlameNode {
  readonly name: string;
  /** Weight of all stacks that come by here. */
  total: number;
  /** How many stacks those are. */
  stacks: number;
  readonly children: ReadonlyMap<string, FlameNode>;
}

interface MutableNode extends FlameNode {
  readonly children: Map<string, MutableNode>;
}

/** Adds up stacks. */
export class FlameTree {
  private readonly mutableRoot: MutableNode = node('all');

  get root(): FlameNode {
    return this.mutableRoot;
  }

  /** `names`: outermost first. `weight`: what the stack counts for, in whatever unit; not negative. */
  add(names: readonly string[], weight: number): void {
    let at = this.mutableRoot;
    at.total += weight;
    at.stacks++;
    for (const name of names) {
      let next = at.children.get(name);
      if (next === undefined) at.children.set(name, (next = node(name)));
      next.total += weight;
      next.stacks++;
      at = next;
    }
  }
}

function node(name: string): MutableNode {
  return { name, total: 0, stacks: 0, children: new Map() };
}
