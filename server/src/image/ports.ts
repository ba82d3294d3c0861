import type { ProfileImage } from "../contract/index.ts";

/** Makes of an uploaded file the picture that is kept: a small square JPEG that has nothing of the file but its pixels. */
export interface PictureMaker {
  /**
   * Throws `INVALID_IMAGE_HASH`, `INVALID_IMAGE` with the reason, or `RATE_LIMITED` when too many pictures wait already, of all or of the one
   * account or address that it is for.
   */
  make(image: ProfileImage, owner: { for: string }): Promise<Buffer>;
}

/** Where pictures are kept, each under a key of its own. What goes wrong is thrown as it is. */
export interface ImageStore {
  put(key: string, picture: Buffer): Promise<void>;
  /** Does no harm where there is none. Throws for a key that belongs to another kind of store. */
  remove(key: string): Promise<void>;
  /**
   * A URL that shows the picture to every holder of it until that moment, in whole seconds; undefined for a key that belongs to another
   * kind of store.
   */
  link(key: string, expiresAt: Date): Promise<string | undefined>;
}
