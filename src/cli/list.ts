import type { Command } from 'commander';
import { formatDuration } from '../base/index.ts';
import type { Tool } from '../lab/index.ts';
import type { Scenario } from '../scenario/index.ts';
import { withExamples } from './command.ts';
import { type Io, print } from './io.ts';
import { argumentUsage } from './tool-arguments.ts';
import { oneOf } from './values.ts';

/** `tracebed list`: what there is to run, and what to run it on. */
export function describeList(command: Command, io: Io): void {
  command
    .summary('list tools and scenarios')
    .description('list tools and scenarios, each with a line')
    .option('--format <format>', 'text, json', oneOf('--format', ['text', 'json']), 'text')
    .option('--debug', 'with a fault, print where in the program it came from')
    .action(async (flags: { format: 'text' | 'json' }) => {
      const [{ listTools }, { listScenarios }, { encodeJson, alignedLines }] = await Promise.all([
        import('../lab/index.ts'),
        import('../scenario/index.ts'),
        import('../report/index.ts'),
      ]);
      const [tools, scenarios] = await Promise.all([listTools(), listScenarios()]);
      if (flags.format === 'json') {
        await print(io, `${encodeJson({ tools: tools.map(toolJson), scenarios: scenarios.map(scenarioJson) })}\n`);
        return;
      }
      const toolRows = tools.map((tool) => [`  ${tool.name} ${argumentUsage(tool)}`.trimEnd(), tool.summary]);
      const scenarioRows = scenarios.map((scenario) => [`  ${scenario.name}`, lengthOf(scenario), scenario.summary]);
      const lines = [
        'Tools',
        ...alignedLines(toolRows, ['left', 'left']),
        '',
        'Scenarios',
        ...alignedLines(scenarioRows, ['left', 'right', 'left']),
      ];
      await print(io, `${lines.join('\n')}\n`);
    });
  withExamples(command, [
    { command: 'tracebed list', what: '' },
    { command: 'tracebed list --format json', what: 'one JSON object with both lists' },
  ]);
}

function lengthOf(scenario: Scenario): string {
  return scenario.duration === undefined ? 'endless' : formatDuration(scenario.duration);
}

function toolJson(tool: Tool): object {
  const { name, summary, options, scenario } = tool;
  return { name, summary, arguments: tool.arguments, options, scenario };
}

function scenarioJson(scenario: Scenario): object {
  return { name: scenario.name, summary: scenario.summary, cpus: scenario.cpus, duration_ns: scenario.duration };
}
