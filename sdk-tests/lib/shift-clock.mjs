// Preloaded into an application's process: moves its clock forward when the parent says so, as if time had passed.
const RealDate = globalThis.Date;
let shift = 0;
const now = () => RealDate.now() + shift;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) => Reflect.construct(target, args.length ? args : [now()], newTarget),
  apply: () => new RealDate(now()).toString(),
  get: (target, key, receiver) => (key === 'now' ? now : Reflect.get(target, key, receiver)),
});

process.on('message', ({ advanceSeconds }) => {
  shift += advanceSeconds * 1000;
  process.send({ advancedSeconds: advanceSeconds });
});
