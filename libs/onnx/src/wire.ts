/** Wire types of protobuf: how many bytes a value takes, which its tag says. */

export const VARINT = 0;
export const FIXED64 = 1;
export const LENGTH_DELIMITED = 2;
export const FIXED32 = 5;
