import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { Signals } from '../../src/tui/signals.ts';

function setUp() {
  const log: string[] = [];
  class Process extends EventEmitter {
    kill(pid: number, signal: string): void {
      const deaf = this.listenerCount('SIGTSTP') === 0 && this.listenerCount('SIGCONT') === 0;
      log.push(`kill ${pid} ${signal}${deaf ? ' by default' : ''}`);
    }
  }
  const process = new Process();
  const signals = new Signals(process, {
    end: (code) => log.push(`end ${code}`),
    leave: () => log.push('leave'),
    enter: () => log.push('enter'),
  });
  return { process, signals, log };
}

test.each([
  ['SIGINT', ['end 130']],
  ['SIGTERM', ['end 143']],
  ['SIGHUP', ['end 129']],
  ['SIGQUIT', ['end 131']],
  ['uncaughtExceptionMonitor', ['leave']],
  ['exit', ['leave']],
  ['SIGCONT', ['enter']],
  ['SIGTSTP', ['leave', 'kill 0 SIGTSTP by default', 'enter']],
])('%s: %j', (event, expected) => {
  const { process, log } = setUp();
  process.emit(event);
  expect(log).toEqual(expected);
});

test('after a stop and a continuation all signals are heard again', () => {
  const { process, signals, log } = setUp();
  signals.suspend();
  signals.suspend();
  log.length = 0;
  process.emit('SIGTSTP');
  process.emit('SIGCONT');
  process.emit('SIGINT');
  expect(log).toEqual(['leave', 'kill 0 SIGTSTP by default', 'enter', 'enter', 'end 130']);
});

test('disposed, it listens to nothing', () => {
  const { process, signals } = setUp();
  signals[Symbol.dispose]();
  expect(process.eventNames()).toEqual([]);
});
