/** What every benchmark is given. */
export interface BenchContext {
  /** Kept between runs. */
  readonly cacheFolder: string;
  readonly imagesFolder: string;
  /** How many pairs a person asked for. */
  readonly pairs: number | undefined;
  /** Tells how it goes, on stderr. */
  readonly say: (text: string) => void;
}
