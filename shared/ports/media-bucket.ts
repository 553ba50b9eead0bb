/** Where uploaded media lie. */
export interface MediaBucket {
  /**
   * Deletes an object. One that is not there is gone, too.
   *
   * @throws DependencyFault when the bucket does not answer
   */
  remove(key: string): Promise<void>;
}
