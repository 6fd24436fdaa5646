/** What has become of the names of files: whoever has one mapped has it by the name of then. */
export class FileNames {
  /** Further names of files, by each of them. */
  private readonly links = new Map<string, string[]>();
  /** By name: the one that its file has instead; undefined: none. */
  private readonly after = new Map<string, string | undefined>();

  /** There is a file of that name. */
  exists(path: string): void {
    this.after.delete(path);
  }

  linked(from: string, to: string): void {
    this.exists(to);
    const names = this.links.get(from);
    if (names === undefined) this.links.set(from, [to]);
    else names.push(to);
  }

  removed(path: string): void {
    const [other, ...rest] = this.links.get(path) ?? [];
    this.links.delete(path);
    this.after.set(path, other);
    if (other !== undefined && rest.length > 0) this.links.set(other, rest);
  }

  renamed(from: string, to: string): void {
    const names = this.links.get(from);
    this.links.delete(from);
    if (names !== undefined) this.links.set(to, names);
    this.after.set(from, to);
    this.exists(to);
  }

  /** The name that a file has now; undefined: none any more. */
  now(path: string): string | undefined {
    const seen = new Set<string>();
    let name: string | undefined = path;
    while (name !== undefined && this.after.has(name) && !seen.has(name)) {
      seen.add(name);
      name = this.after.get(name);
    }
    return name;
  }
}
