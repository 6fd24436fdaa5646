import { spawn } from 'node:child_process';
import type { Host } from './host.js';

/** The command that opens an address here; undefined where there is no desktop. */
export function browserCommand(host: Host): string | undefined {
  if (process.platform === 'darwin') return 'open';
  const { DISPLAY, WAYLAND_DISPLAY } = host.env;
  return DISPLAY || WAYLAND_DISPLAY ? 'xdg-open' : undefined;
}

/** Opens an address in the user's browser; resolves to whether that could be asked for. */
export function openBrowser(host: Host, url: string): Promise<boolean> {
  const command = browserCommand(host);
  if (command === undefined) return Promise.resolve(false);
  return new Promise((resolve) => {
    const child = spawn(command, [url], { detached: true, stdio: 'ignore' });
    child.once('error', () => resolve(false));
    child.once('spawn', () => {
      child.unref();
      resolve(true);
    });
  });
}
