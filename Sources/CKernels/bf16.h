// What the bf16 kernels share: the instruction set, and loads of 32 numbers as bf16 from float or bf16 memory.
//
// Operands of the products, all of pairs of neighbours along the inner dimension, one 32-bit word a pair:
//   rows    [m][ld]           bf16 matrix, row-major; the inner dimension runs along a row
//   pairs   [ceil(m/2)][ld]   words (x[2i][j], x[2i+1][j]): a matrix whose inner dimension runs down its columns
//   panels  48 columns at a time, [k/2][48] words each; the last panel is as wide as the rest rounded up to 16
#ifndef FSOT_BF16_H
#define FSOT_BF16_H
#include "CKernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define FSOT_BF16 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")))
#define FSOT_INLINE static inline __attribute__((always_inline)) FSOT_BF16

FSOT_INLINE __mmask16 mask16(size_t n) { return n >= 16 ? (__mmask16)0xffff : (__mmask16)((1u << n) - 1u); }
FSOT_INLINE __mmask32 mask32(size_t n) { return n >= 32 ? (__mmask32)0xffffffffu : (__mmask32)((1u << n) - 1u); }

// `n` (at most 32) numbers of one row as bf16, zeros behind them.
FSOT_INLINE __m512i load32(const void *x, size_t offset, size_t n, int is_half) {
    if (is_half) return _mm512_maskz_loadu_epi16(mask32(n), (const uint16_t *)x + offset);
    const float *p = (const float *)x + offset;
    __m512 low = _mm512_maskz_loadu_ps(mask16(n), p);
    __m512 high = n > 16 ? _mm512_maskz_loadu_ps(mask16(n - 16), p + 16) : _mm512_setzero_ps();
    return (__m512i)_mm512_cvtne2ps_pbh(high, low);
}

// Words (low[j], high[j]) from 16 low numbers in the lower half of `x` and 16 high ones in the upper.
FSOT_INLINE __m512i interleave(__m512i x) {
    const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5,
                                           20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return _mm512_permutexvar_epi16(order, x);
}

// 16 words of the rows at `low` and `high` (null: zeros), `n` of them valid.
FSOT_INLINE __m512i pair16(const void *low, const void *high, size_t offset, size_t n, int is_half) {
    __mmask16 m = mask16(n);
    if (is_half) {
        __m256i a = _mm256_maskz_loadu_epi16(m, (const uint16_t *)low + offset);
        __m256i b = high ? _mm256_maskz_loadu_epi16(m, (const uint16_t *)high + offset) : _mm256_setzero_si256();
        return interleave(_mm512_inserti64x4(_mm512_castsi256_si512(a), b, 1));
    }
    __m512 a = _mm512_maskz_loadu_ps(m, (const float *)low + offset);
    __m512 b = high ? _mm512_maskz_loadu_ps(m, (const float *)high + offset) : _mm512_setzero_ps();
    return interleave((__m512i)_mm512_cvtne2ps_pbh(b, a));
}

// exp(x) as in vectors.h with one term less: relative error below 3e-7. Of NaN it is that of -87.
FSOT_INLINE __m512 exponential(__m512 x) {
    x = _mm512_min_ps(_mm512_max_ps(x, _mm512_set1_ps(-87.0f)), _mm512_set1_ps(88.0f));
    __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693145751953125f), x);
    r = _mm512_fnmadd_ps(n, _mm512_set1_ps(1.42860677e-6f), r);
    __m512 p = _mm512_set1_ps(1.3981999507e-3f);
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(8.3334519073e-3f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(4.1665795894e-2f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.6666665459e-1f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(5.0000001201e-1f));
    p = _mm512_fmadd_ps(_mm512_mul_ps(p, r), r, _mm512_add_ps(r, _mm512_set1_ps(1.0f)));
    return _mm512_scalef_ps(p, n);
}
#endif
#endif
