/** What answers with status 200 instead of a listing, by its name. */
export const NO_LISTINGS = {
  "an empty body": "",
  "a proxy's page": "<!DOCTYPE html><html><head><title>Sign in</title></head><body><p>Welcome.</p></body></html>",
  "a page that is no XML": "<!doctype html><html><head><meta charset=utf-8></head><body><br>Sign in</body></html>",
  "a text": "OK",
  "another XML root": '<?xml version="1.0"?><ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>',
  "a list of the first version of S3's":
    "<ListBucketResult><Name>archive</Name><Prefix/><IsTruncated>false</IsTruncated></ListBucketResult>",
  "half a listing": "<ListBucketResult><Name>archive</Name><KeyCount>0</KeyCount><MaxKeys>1</MaxKeys><IsTruncated>fa",
} as const;
