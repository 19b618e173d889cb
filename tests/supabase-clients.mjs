// Two more clients against our Management API: `@dyad-sh/supabase-management-js`, and
// `@supabase/mcp-server-supabase` as an assistant runs it. supabase-client.sh says where everything is.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const { CLIENTS: clients, SUPABASE_ACCESS_TOKEN: token } = process.env;
const { TENANTCTL_MANAGEMENT_API_URL: url, TENANTCTL_ORGANIZATION: organization } = process.env;
const load = createRequire(`${clients}/package.json`);

/** Looks until a project works; a minute is a failure. */
async function comesUp(look) {
  for (const end = Date.now() + 60_000; Date.now() < end; ) {
    if ((await look()).status === 'ACTIVE_HEALTHY') return;
    await new Promise((wake) => setTimeout(wake, 100));
  }
  assert.fail('the project does not come up');
}

async function managementJs() {
  const { SupabaseManagementAPI } = load('@dyad-sh/supabase-management-js');
  const api = new SupabaseManagementAPI({ accessToken: token, baseUrl: url });
  assert.ok((await api.getOrganizations()).some(({ id }) => id === organization));
  const made = await api.createProject({
    name: 'js-made',
    // Its types still say organization_id, which the document has given up.
    organization_slug: organization,
    db_pass: 'secret-123',
    region: 'eu-central-1',
  });
  const project = async () => (await api.getProjects()).find(({ id }) => id === made.id);
  await comesUp(project);
  const health = await api.checkServiceHealth(made.id, { services: ['db', 'auth'] });
  assert.deepEqual(health.map(({ name }) => name), ['db', 'auth']);
  assert.ok((await api.getProjectApiKeys(made.id)).some(({ name }) => name === 'anon'));
  assert.deepEqual(await api.runQuery(made.id, 'select 1 as n'), [{ n: 1 }]);
  const { config } = await api.getNetworkRestrictions(made.id);
  assert.deepEqual(config.dbAllowedCidrs, ['0.0.0.0/0']);
  await assert.rejects(api.listFunctions(made.id), /501/);
  await api.deleteProject(made.id);
  assert.equal(await project(), undefined);
  console.log('@dyad-sh/supabase-management-js: listed, created, asked, deleted');
}

async function mcpServer() {
  const program = `${clients}/node_modules/@supabase/mcp-server-supabase/dist/cli.js`;
  // Its search through the documentation asks another host.
  const features = ['--features', 'account,database,development'];
  const server = spawn(process.execPath, [program, '--api-url', url, ...features], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const waiting = new Map();
  createInterface({ input: server.stdout }).on('line', (line) => {
    const { id, result, error } = JSON.parse(line);
    waiting.get(id)?.(error ? { isError: true, content: [{ text: JSON.stringify(error) }] } : result);
  });
  const say = (message) => server.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  let last = 0;
  const request = (method, params) =>
    new Promise((resolve) => {
      last += 1;
      waiting.set(last, resolve);
      say({ id: last, method, params });
    });
  const use = async (name, given = {}) => {
    const { isError, content } = await request('tools/call', { name, arguments: given });
    const text = content.map((part) => part.text).join('');
    assert.ok(!isError, `${name}: ${text}`);
    return text;
  };
  try {
    await request('initialize', {
      protocolVersion: '2025-06-18',
      capabilities: {},
      clientInfo: { name: 'tenantctl-tests', version: '1' },
    });
    say({ method: 'notifications/initialized' });
    const { tools } = await request('tools/list', {});
    assert.ok(tools.some(({ name }) => name === 'execute_sql'));
    assert.ok((await use('list_organizations')).includes(organization));
    const api = (path, init) =>
      fetch(`${url}${path}`, {
        ...init,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      }).then((answer) => answer.json());
    const body = JSON.stringify({
      name: 'mcp-used',
      organization_slug: organization,
      db_pass: 'secret-123',
      region_selection: { type: 'specific', code: 'eu-central-1' },
    });
    const { ref } = await api('/v1/projects', { method: 'POST', body });
    await comesUp(() => api(`/v1/projects/${ref}`));
    assert.ok((await use('list_projects')).includes('mcp-used'));
    assert.ok((await use('get_project', { id: ref })).includes('ACTIVE_HEALTHY'));
    const project_id = ref;
    await use('execute_sql', { project_id, query: 'create table seen (n int primary key)' });
    assert.ok((await use('execute_sql', { project_id, query: 'select 41 + 1 as n' })).includes('42'));
    assert.ok((await use('list_tables', { project_id, schemas: ['public'] })).includes('seen'));
    assert.ok((await use('list_extensions', { project_id })).includes('plpgsql'));
    assert.ok((await use('get_publishable_keys', { project_id })).includes('sb_publishable_'));
    await api(`/v1/projects/${ref}`, { method: 'DELETE' });
    console.log('@supabase/mcp-server-supabase: listed, looked, queried');
  } finally {
    server.kill();
  }
}

await managementJs();
await mcpServer();
