import { expect, test } from 'vitest';
import { loadProfile } from '../../src/btf/index.ts';
import { createRun, loadTool, type Run, type WallClock } from '../../src/lab/index.ts';
import { loadScenario } from '../../src/scenario/index.ts';
import { screenSvg } from './svg.ts';
import { openDashboard } from './terminal.ts';

/**
 * The README's picture is the real thing: this plays a bundled scenario on the dashboard and draws its screen. The
 * same run gives the same picture, so the file is compared; after a wanted change it is drawn anew with
 * `npx vitest run test/tui/picture.test.ts -u`.
 */
async function play(): Promise<Run> {
  const tool = await loadTool('drop-monitor');
  const run = createRun(
    {
      tool,
      args: [],
      toolOptions: {},
      scenario: await loadScenario('drop-storm'),
      profile: loadProfile('6.18'),
      seed: 1,
      cpus: 2,
      duration: 3e9,
      speed: 1,
      ringPages: 8,
    },
    stoppedClock,
  );
  return run;
}

/** Real time stands still, so the run plays only as far as it is told. */
const stoppedClock: WallClock = {
  now: () => 0,
  sleep: () => new Promise(() => {}),
  breathe: () => new Promise(() => {}),
};

test('the picture of the dashboard is what it draws', async () => {
  using run = await play();
  const { terminal, exit } = await openDashboard(run, 120, 36);
  run.advance(2.4e9);
  await terminal.press('Down', 'Up');
  expect(terminal.row(0)).toContain('▸ 1× 00:02.400');
  await expect(
    screenSvg(terminal, 'tracebed run drop-monitor --scenario drop-storm --duration 3s'),
  ).toMatchFileSnapshot('../../docs/dashboard.svg');
  await terminal.press('q');
  expect(await exit).toBe(0);
});
