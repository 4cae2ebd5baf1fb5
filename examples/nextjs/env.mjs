// Prints .env.local for the server whose data directory is given: node env.mjs ../../ostiary-data > .env.local
import { readFileSync } from 'node:fs';

const { api_url, public_token, project_id, secret } = JSON.parse(readFileSync(`${process.argv[2]}/credentials.json`));
console.log(`NEXT_PUBLIC_OSTIARY_URL=${api_url}
NEXT_PUBLIC_STYTCH_PUBLIC_TOKEN=${public_token}
STYTCH_PROJECT_ID=${project_id}
STYTCH_SECRET=${secret}`);
