// The documented `custom_base_url`, which insists on https, against the listener of the development authority.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { actorsOf } from '../lib/actors.mjs';
import { startServer } from '../lib/server.mjs';

const server = await startServer({ tls: true });
after(() => server.stop());
const { signedIn } = actorsOf(server);

/** An application: Node reads its additional authorities when it starts. */
const application = `
  import { B2BClient } from 'stytch';
  const { config, session_token, session_jwt } = JSON.parse(process.env.INPUT);
  const { sessions } = new B2BClient(config);
  const { member } = await sessions.authenticate({ session_token });
  const local = await sessions.authenticateJwtLocal({ session_jwt });
  console.log(JSON.stringify([member.member_id, local.member_id]));
`;

test('the documented option works, for calls and for keys', async () => {
  const { session_token, session_jwt, member_id } = await signedIn();
  const config = { project_id: server.projectId, secret: server.secret, custom_base_url: server.https.url };
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', application], {
    cwd: import.meta.dirname,
    env: {
      ...process.env,
      NODE_EXTRA_CA_CERTS: server.https.authorityFile,
      INPUT: JSON.stringify({ config, session_token, session_jwt }),
    },
  });
  assert.deepEqual(JSON.parse(stdout), [member_id, member_id]);
});
