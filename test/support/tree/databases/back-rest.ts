import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { answerOf, asPostgres, own, type Cluster } from './postgres.js';

/** pgBackRest of one cluster. What it writes for itself lies in a folder of its own. */
export class BackRest {
  private constructor(
    private readonly folder: string,
    private readonly cluster: Cluster,
    private readonly options: readonly string[],
  ) {}

  /** @param repositories folders, each with the lines of configuration that are its own */
  static async at(
    folder: string,
    cluster: Cluster,
    repositories: ReadonlyMap<string, string>,
  ): Promise<BackRest> {
    await own(folder);
    const tool = new BackRest(folder, cluster, [...repositories.values()]);
    await tool.#configure('pgbackrest', cluster.data, [...repositories.keys()]);
    return tool;
  }

  /** What a cluster runs for each segment of its log. */
  get archiveCommand(): string {
    return `pgbackrest --config=${this.#file('pgbackrest')} --stanza=demo archive-push %p`;
  }

  run(...words: string[]): Promise<string> {
    const config = `--config=${this.#file('pgbackrest')}`;
    return asPostgres('pgbackrest', config, '--stanza=demo', ...words);
  }

  /** Restores the newest state from another repository, and starts a server on it.
   *  @param store its folder, which the tool may write to
   *  @param cluster where to; it has no data yet
   *  @returns what the database answers (`answerOf`) */
  restored(store: string, cluster: Cluster): Promise<string> {
    return answerOf(cluster, async (data) => {
      const name = basename(cluster.folder);
      await this.#configure(name, data, [store]);
      const words = [`--config=${this.#file(name)}`, '--stanza=demo'];
      await asPostgres('pgbackrest', ...words, '--archive-mode=off', 'restore');
      const fetch = `pgbackrest ${words.join(' ')} archive-get %f "%p"`;
      await cluster.configure(`restore_command='${fetch}'`);
    });
  }

  #file(name: string): string {
    return join(this.folder, `${name}.conf`);
  }

  async #configure(name: string, data: string, folders: readonly string[]): Promise<void> {
    const { folder, cluster, options } = this;
    const lines = [
      '[global]',
      ...folders.map((path, index) => `repo${index + 1}-path=${path}`),
      ...options.slice(0, folders.length),
      `log-path=${folder}\nlock-path=${folder}\nspool-path=${folder}`,
      'log-level-console=warn\nlog-level-file=off\nstart-fast=y\narchive-check=y\ncompress-type=zst',
      `[demo]\npg1-path=${data}\npg1-socket-path=${cluster.folder}\n`,
    ];
    await writeFile(this.#file(name), lines.join('\n'));
  }
}
