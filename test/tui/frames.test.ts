import { expect, test } from 'vitest';
import { Frames, frameInterval } from '../../src/tui/frames.ts';

function setUp() {
  const state = { drawn: 0, set: undefined as (() => void) | undefined, intervals: new Set<number>() };
  const frames = new Frames(
    (callback, milliseconds) => {
      state.set = callback;
      state.intervals.add(milliseconds);
      return () => {
        state.set = undefined;
      };
    },
    () => {
      state.drawn++;
    },
  );
  return { frames, state };
}

test('the first request draws at once, those within the interval draw once at its end', () => {
  const { frames, state } = setUp();
  frames.request();
  expect(state.drawn).toBe(1);
  for (let i = 0; i < 100; i++) frames.request();
  expect(state.drawn).toBe(1);
  state.set?.();
  expect(state.drawn).toBe(2);
  expect([...state.intervals]).toEqual([frameInterval]);
});

test('when nothing was asked for in the interval, nothing is drawn and the next request is at once', () => {
  const { frames, state } = setUp();
  frames.request();
  state.set?.();
  expect(state.drawn).toBe(1);
  frames.request();
  expect(state.drawn).toBe(2);
});

test('stopped, no timer is left', () => {
  const { frames, state } = setUp();
  frames.request();
  frames.request();
  frames.stop();
  expect(state.set).toBeUndefined();
  expect(state.drawn).toBe(1);
});
