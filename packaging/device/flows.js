// The workflows of this device: replace them with yours, then `systemctl restart holdfast`.
import { workflow } from '@holdfast/agent';

export const hello = workflow('hello', async (ctx, name = 'world') => {
  const greeting = await ctx.step('greet', () => `Hello, ${name}!`);
  await ctx.sleep('2s');
  return greeting;
});
