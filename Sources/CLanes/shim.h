// Comparisons and choices of whole vectors, as single operations of the compiler's vector types.
//
// Swift's own walk the lanes one by one and leave it to the optimiser to find the vector again. It
// mostly does, but not in builds with assertions, where a maximum takes a hundred times as long on
// AVX2, and not for shifts, minima of integers or wide conversions. A mask has all bits of a lane
// set or none.

typedef float floats16 __attribute__((__ext_vector_type__(16)));
typedef int words16 __attribute__((__ext_vector_type__(16)));
typedef double doubles8 __attribute__((__ext_vector_type__(8)));
typedef long long longs8 __attribute__((__ext_vector_type__(8)));
typedef unsigned short halves16 __attribute__((__ext_vector_type__(16)));
typedef unsigned int bits16 __attribute__((__ext_vector_type__(16)));

#define LANES_INLINE static inline __attribute__((always_inline))

LANES_INLINE words16 floats_equal(floats16 a, floats16 b) { return a == b; }
LANES_INLINE words16 floats_differ(floats16 a, floats16 b) { return a != b; }
LANES_INLINE words16 floats_less(floats16 a, floats16 b) { return a < b; }
LANES_INLINE words16 floats_at_most(floats16 a, floats16 b) { return a <= b; }
LANES_INLINE longs8 doubles_equal(doubles8 a, doubles8 b) { return (longs8)(a == b); }
LANES_INLINE longs8 doubles_differ(doubles8 a, doubles8 b) { return (longs8)(a != b); }
LANES_INLINE longs8 doubles_less(doubles8 a, doubles8 b) { return (longs8)(a < b); }
LANES_INLINE longs8 doubles_at_most(doubles8 a, doubles8 b) { return (longs8)(a <= b); }

/// The lanes of `yes` where the mask is set, those of `no` elsewhere.
LANES_INLINE floats16 floats_chosen(words16 mask, floats16 yes, floats16 no) {
  return mask ? yes : no;
}
LANES_INLINE doubles8 doubles_chosen(longs8 mask, doubles8 yes, doubles8 no) {
  return mask ? yes : no;
}

/// The smaller of each pair of lanes.
LANES_INLINE halves16 halves_smaller(halves16 a, halves16 b) {
  return __builtin_elementwise_min(a, b);
}
LANES_INLINE bits16 words_smaller(bits16 a, bits16 b) { return __builtin_elementwise_min(a, b); }

/// Each lane as the upper half of a word.
LANES_INLINE bits16 halves_raised(halves16 a) { return __builtin_convertvector(a, bits16) << 16; }
