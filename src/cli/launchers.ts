/** The parts of the server that the command starts. `src/bin` has them; they are loaded only when asked for, because they bring Temporal's
 *  native core with them. Each resolves to the exit code. */
export interface Launchers {
  serve(options: { config?: string }): Promise<number>;
  api(options: { config?: string }): Promise<number>;
  worker(options: {
    config?: string;
    repositories: readonly string[];
    control: boolean;
  }): Promise<number>;
  demo(options: { config?: string }): Promise<number>;
}
