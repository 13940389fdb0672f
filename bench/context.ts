import type { Product } from "../tests/vm/product.ts";

/** What every benchmark is given. */
export interface BenchContext {
  /** Kept between runs. */
  readonly cacheFolder: string;
  readonly imagesFolder: string;
  readonly samplesFolder: string;
  /** The programs and the page as people run them. */
  readonly bundleFolder: string;
  /** Berth with a home of its own; its machine lasts from one benchmark to the next. */
  readonly product: Product;
  /** How many pairs a person asked for. */
  readonly pairs: number | undefined;
  /** Tells how it goes, on stderr. */
  readonly say: (text: string) => void;
}
