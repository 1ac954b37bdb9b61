/** Which part may import which, as lint rules (docs/ARCHITECTURE.md, Layers). All imports are relative and name the layer's folder, so a pattern on the
 *  specifier decides; nothing has to be resolved, and nothing passes because it could not be. */

/** The rows of the formats and what every format has; the formats themselves are for `src/image` alone. */
const IMAGE_CONTRACT = '(formats|image-format|disk-image|byte-source|run-buffer)\\.js$';
/** The contract and what is written against it; the adapters are for src/bin alone to choose. */
const REPOSITORY_CONTRACT =
  '(backup-repository|holds-files|json-file|replace-file|repository-path|unread-file)\\.js$';

/** Words and small rules without a package behind them, which a page may carry. */
const DOMAIN_WORDS =
  '(elapsed|printable|jobs/server-fields|safety/worst-first|schedules/day-names|sessions/(bottleneck|mover-times))\\.js$';

/** For each layer: other layers it may import, packages it may import (as patterns), and what it may import as types only.
 *  `from` may narrow a layer to some of its files. */
const LAYERS = {
  'src/domain': { layers: [], packages: ['temporal-polyfill/implementation'] },
  'src/image': {
    layers: ['domain'],
    packages: ['node:crypto', 'node:zlib', '@bokuweb/zstd-wasm', 'lz4-napi'],
  },
  'src/layout': {
    layers: [
      'domain',
      `image/(stream/packed-start\\.js$|${IMAGE_CONTRACT})`,
      `repository/${REPOSITORY_CONTRACT}`,
    ],
    packages: ['node:crypto', 'node:path(/posix)?', 'node:zlib', 'fast-xml-parser'],
  },
  'src/repository': {
    layers: ['domain'],
    packages: ['node:.*', 'zod'],
  },
  'src/chain': {
    layers: ['domain', `repository/${REPOSITORY_CONTRACT}`],
    packages: [
      'node:crypto',
      'node:module',
      'node:path(/posix)?',
      'node:timers/promises',
      '@napi-rs/blake-hash',
      'lru-cache',
    ],
  },
  'src/audit': {
    layers: ['domain', `repository/${REPOSITORY_CONTRACT}`, 'chain/chain-paths\\.js$'],
    packages: [],
  },
  'src/tree': {
    layers: ['domain', `repository/${REPOSITORY_CONTRACT}`, 'chain'],
    packages: ['node:crypto', 'node:path(/posix)?'],
  },
  'src/mover': {
    layers: ['domain', `image/${IMAGE_CONTRACT}`, 'layout', 'repository', 'chain', 'tree'],
    packages: ['node:.*', 'lru-cache'],
  },
  'src/primary': { layers: ['domain'], packages: ['node:.*'] },
  'src/notify': { layers: ['domain'], packages: ['node:.*', 'nodemailer'] },
  'src/config': {
    layers: ['domain', 'repository/(kinds|repository-kind)\\.js$'],
    packages: ['node:.*', 'zod', 'yaml'],
  },
  'src/temporal': {
    layers: ['domain', 'config', 'workflows/messages\\.js$'],
    packages: ['node:.*', '@temporalio/.*'],
  },
  'src/api': {
    layers: ['domain', 'config', 'workflows/messages\\.js$'],
    packages: [
      'node:.*',
      '@temporalio/(client|common|proto)(/.*)?',
      'compression',
      'express',
      'helmet',
      'jose',
      'openid-client',
      'lru-cache',
      'zod',
      'prom-client',
    ],
    typesOnly: ['workflows/'],
  },
  'src/dashboard': {
    layers: [`domain/${DOMAIN_WORDS}`],
    packages: [
      'react(-dom)?(/client)?',
      '@mantine/.*',
      '@tanstack/.*',
      '@tabler/icons-react',
      'wouter',
      'cronstrue',
      'get-nonce',
    ],
    typesOnly: ['api/', 'domain/'],
  },
  workflows: {
    layers: ['domain'],
    packages: ['@temporalio/workflow', '@temporalio/common'],
    typesOnly: ['activities/'],
  },
  activities: {
    layers: ['domain', 'mover', 'repository', 'chain', 'tree', 'audit', 'notify', 'primary'],
    packages: ['node:.*', '@temporalio/activity', '@temporalio/common'],
  },
};

/** All folders that a layer may be forbidden. */
const FOLDERS = [
  ...Object.keys(LAYERS).map((folder) => folder.split('/').at(-1)),
  ...['cli', 'bin', 'test', 'bench', 'scripts'],
];

/** Folders of the mover, each with those that it may import; none imports what lies in `src/mover` itself, the threads. */
const MOVER_FOLDERS = {
  task: [],
  blocks: ['task'],
  staging: ['task', 'blocks'],
  source: ['task', 'blocks'],
  copy: ['task', 'blocks', 'staging', 'source'],
  change: ['task', 'blocks', 'staging', 'copy'],
  selection: ['task', 'blocks', 'staging', 'source', 'copy', 'change'],
  health: ['task', 'blocks', 'staging', 'source', 'copy', 'change'],
  restore: ['task', 'blocks', 'staging', 'copy', 'change'],
  tree: ['task', 'blocks', 'staging', 'source', 'change'],
  look: ['task', 'blocks', 'source', 'change', 'tree'],
};

/** Rooms of `src/mover/tree`, the same way: each may import those before it, and what lies in `tree` itself; that imports none of them. */
const TREE_ROOMS = ['copy', 'commit', 'change', 'plan', 'health', 'restore'];

/** A look writes nothing: what it is handed has no write in its type. */
const LOOKS_READ = {
  regex: '/backup-repository\\.js$',
  importNames: ['BackupRepository', 'StorageVerbs'],
  allowTypeImports: false,
  message: 'A look reads: take SourceRepository.',
};

/** @param path of the folder, or of a room in it
 *  @param up from there to `src/mover` */
function moverRules(folder, path, up, more) {
  const { files, rules } = layerRules(['src/mover', LAYERS['src/mover']]);
  const [[rule, [level, { patterns }]]] = Object.entries(rules);
  const allowed = MOVER_FOLDERS[folder];
  const siblings = Object.keys(MOVER_FOLDERS).filter((name) => !allowed.includes(name));
  const above = {
    regex: `^(\\.\\./){${up}}([a-z-]+\\.js$|(${siblings.join('|')})/)`,
    message: `src/mover/${folder} may import of the mover: ${allowed.join(', ') || 'only itself'}.`,
  };
  return {
    files: files.map((pattern) => pattern.replace('mover/', `mover/${path}/`)),
    rules: { [rule]: [level, { patterns: [...patterns, above, ...more] }] },
  };
}

function moverFolderRules(folder) {
  const more = { look: [LOOKS_READ], tree: [laterRooms('\\./', 0)] };
  return moverRules(folder, folder, 1, more[folder] ?? []);
}

function treeRoomRules(room, index) {
  return moverRules('tree', `tree/${room}`, 2, [laterRooms('\\.\\./', index + 1)]);
}

function laterRooms(from, first) {
  const earlier = TREE_ROOMS.slice(0, first).join(', ');
  return {
    regex: `^${from}(${TREE_ROOMS.slice(first).join('|')})/`,
    message: `It may import of src/mover/tree: ${earlier || 'what lies in none of its rooms'}.`,
  };
}

/** Rooms of layers, each with those that it may import, and what lies in the layer itself; of that only its index imports them. */
const ROOMS = {
  workflows: {
    index: 'index',
    rooms: {
      task: [],
      session: ['task'],
      operations: ['task'],
      watch: ['task', 'session'],
    },
  },
  activities: {
    index: 'activities',
    rooms: {
      running: [],
      payloads: ['running'],
      task: ['running', 'payloads'],
      session: ['running', 'payloads'],
      operations: ['running', 'payloads', 'task'],
      watch: ['running'],
    },
  },
};

/** @param more patterns that are forbidden in the room besides */
function roomRules(layer, room, more = []) {
  const { index, rooms } = ROOMS[layer];
  const { rules } = layerRules([layer, LAYERS[layer]]);
  const [[rule, [level, { patterns }]]] = Object.entries(rules);
  const allowed = rooms[room];
  const others = Object.keys(rooms).filter((name) => ![room, ...allowed].includes(name));
  const other = {
    regex: `^\\.\\./((${others.join('|')})/|${index}\\.js$)`,
    message: `${layer}/${room} may import of the rooms: ${allowed.join(', ') || 'only itself'}.`,
  };
  return {
    files: [`${layer}/${room}/**/*.ts`],
    rules: { [rule]: [level, { patterns: [...patterns, other, ...more] }] },
  };
}

/** What Temporal keeps is written down in `activities/payloads/*.ts`, in words of the domain. */
const NO_DERIVED_PAYLOAD = {
  regex: '/mover-operations\\.js$',
  importNames: ['OperationInput', 'OperationOutput'],
  allowTypeImports: false,
  message: 'A payload is written down in activities/payloads/*.ts, never derived from the mover.',
};
const PAYLOADS_OF_DOMAIN = {
  regex: '^(\\.\\./)+src/(?!domain/)',
  message: 'A payload is made of what src/domain has.',
};

function activityRoomRules(room) {
  const more = room === 'payloads' ? [PAYLOADS_OF_DOMAIN] : [NO_DERIVED_PAYLOAD];
  return roomRules('activities', room, more);
}

/** For layers that may import the rest of src/repository. */
const NO_ADAPTER = {
  regex: '^\\.{1,2}/(.*/)?repository/[a-z0-9-]+/',
  message: 'An adapter is opened by its row of src/repository/kinds.ts.',
};

function layerRules([folder, { layers, packages, typesOnly = [] }]) {
  const own = folder.split('/').at(-1);
  const allowed = [own, ...layers].map((layer) => (layer.includes('/') ? layer : `${layer}/`));
  const others = FOLDERS.filter((name) => name !== own).join('|');
  const relative = (exceptions) => `^\\.{1,2}/(.*/)?(?!${exceptions.join('|')})(${others})/`;
  const foreign = `^(?!\\.)(?!(${['$', ...packages].join('|')})$)`;
  const advice = `${folder} may import: ${[...layers, ...packages].join(', ') || 'only itself'}.`;
  return {
    files: [`${folder}/**/*.{ts,tsx}`],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            { regex: relative([...allowed, ...typesOnly]), message: advice },
            { regex: foreign, message: advice },
            ...(layers.includes('repository') ? [NO_ADAPTER] : []),
            ...typesOnly.map((layer) => ({
              regex: `^\\.{1,2}/(.*/)?(?!${allowed.join('|')})${layer}`,
              allowTypeImports: true,
              message: `${folder} may import ${layer} only with "import type".`,
            })),
          ],
        },
      ],
    },
  };
}

export const layerConfigs = [
  ...Object.entries(LAYERS).map(layerRules),
  ...Object.keys(MOVER_FOLDERS).map(moverFolderRules),
  ...TREE_ROOMS.map(treeRoomRules),
  ...Object.keys(ROOMS.workflows.rooms).map((room) => roomRules('workflows', room)),
  ...Object.keys(ROOMS.activities.rooms).map(activityRoomRules),
];
