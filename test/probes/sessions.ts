import { readdirSync, readFileSync } from 'node:fs';

/**
 * What tools print, as a terminal shows it: files of sessions/, where a line `$ COMMAND` is followed by all that the
 * command writes, up to the next one. `# ` begins a line that says what is to be seen.
 */
export interface Session {
  readonly file: string;
  readonly command: string;
  readonly output: string;
}

const folder = new URL('sessions/', import.meta.url);

export function readSessions(): Session[] {
  return readdirSync(folder).flatMap((file) => {
    const [, ...parts] = readFileSync(new URL(file, folder), 'utf8')
      .replace(/^# .*\n/gm, '')
      .split(/^\$ /m);
    return parts.map((part) => {
      const end = part.indexOf('\n');
      return { file, command: part.slice(0, end), output: part.slice(end + 1).trimEnd() };
    });
  });
}

/** Words of a command line, with '…' around what has spaces. */
export function words(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}
