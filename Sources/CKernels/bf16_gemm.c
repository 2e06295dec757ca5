// Products in bf16 with float accumulators: each 8 x 48 tile of the result stays in 24 registers for the whole inner
// dimension. One `vdpbf16ps` a cycle is the machine's peak.
#include "bf16.h"

#if defined(__x86_64__)
// c[i][16 v ...] (+)= alpha scale[i] sum_p a(i, p) b(p, v). With `is_dense`, the pairs of a row of a are neighbours.
FSOT_INLINE void tile(const int mr, const int nv, const int is_dense, size_t pairs, const uint32_t *a, size_t row_step,
                      size_t pair_step, const uint32_t *b, size_t step, float *c, size_t ldc, float alpha,
                      const float *scale, int accumulates, __mmask16 last) {
    __m512 sum[8][3];
    const uint32_t *row[8];
#pragma clang loop unroll(full)
    for (int i = 0; i < mr; i++) {
        row[i] = a + i * row_step;
#pragma clang loop unroll(full)
        for (int v = 0; v < nv; v++) sum[i][v] = _mm512_setzero_ps();
    }
#pragma clang loop unroll_count(2)
    for (size_t p = 0; p < pairs; p++) {
        __m512bh column[3];
#pragma clang loop unroll(full)
        for (int v = 0; v < nv; v++) column[v] = (__m512bh)_mm512_loadu_si512(b + 16 * v);
        b += step;
#pragma clang loop unroll(full)
        for (int i = 0; i < mr; i++) {
            __m512bh x = (__m512bh)_mm512_set1_epi32((int)(is_dense ? row[i][p] : a[i]));
#pragma clang loop unroll(full)
            for (int v = 0; v < nv; v++) sum[i][v] = _mm512_dpbf16_ps(sum[i][v], x, column[v]);
        }
        if (!is_dense) a += pair_step;
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < mr; i++) {
        __m512 factor = _mm512_set1_ps(scale ? alpha * scale[i] : alpha);
#pragma clang loop unroll(full)
        for (int v = 0; v < nv; v++) {
            __mmask16 m = v == nv - 1 ? last : (__mmask16)0xffff;
            float *to = c + i * ldc + 16 * v;
            __m512 old = accumulates ? _mm512_maskz_loadu_ps(m, to) : _mm512_setzero_ps();
            _mm512_mask_storeu_ps(to, m, _mm512_fmadd_ps(sum[i][v], factor, old));
        }
    }
}

#define TILE_ARGUMENTS pairs, a, row_step, pair_step, b, step, c, ldc, alpha, scale, accumulates, last
#define TILE_PARAMETERS                                                                                                \
    size_t pairs, const uint32_t *a, size_t row_step, size_t pair_step, const uint32_t *b, size_t step, float *c,      \
        size_t ldc, float alpha, const float *scale, int accumulates, __mmask16 last
#define TILE(mr, nv)                                                                                                   \
    static FSOT_BF16 void dense_##mr##x##nv(TILE_PARAMETERS) { tile(mr, nv, 1, TILE_ARGUMENTS); }                      \
    static FSOT_BF16 void paired_##mr##x##nv(TILE_PARAMETERS) { tile(mr, nv, 0, TILE_ARGUMENTS); }
#define TILES(nv) TILE(1, nv) TILE(2, nv) TILE(3, nv) TILE(4, nv) TILE(5, nv) TILE(6, nv) TILE(7, nv) TILE(8, nv)
TILES(1) TILES(2) TILES(3)

typedef void (*tile_function)(TILE_PARAMETERS);
#define ROW(kind, nv) {kind##_1x##nv, kind##_2x##nv, kind##_3x##nv, kind##_4x##nv, kind##_5x##nv, kind##_6x##nv, kind##_7x##nv, kind##_8x##nv}
static const tile_function tiles[2][3][8] = {
    {ROW(dense, 1), ROW(dense, 2), ROW(dense, 3)},
    {ROW(paired, 1), ROW(paired, 2), ROW(paired, 3)},
};

FSOT_BF16 void fsot_bf16_gemm(size_t m, size_t n, size_t pairs, const uint32_t *a, size_t row_step, size_t pair_step,
                              const uint32_t *panels, size_t packed, size_t panel_step, float *c, size_t ldc,
                              float alpha, const float *row_scale, int accumulates) {
    for (size_t j = 0; j < n; j += 48, panels += panel_step) {
        size_t width = n - j < 48 ? n - j : 48, vectors = (width + 15) / 16;
        size_t step = packed - j < 48 ? (packed - j + 15) / 16 * 16 : 48;
        __mmask16 last = mask16(width - 16 * (vectors - 1));
        const tile_function *row = tiles[pair_step != 1][vectors - 1];
        for (size_t i = 0; i < m; i += 8) {
            size_t height = m - i < 8 ? m - i : 8;
            row[height - 1](pairs, a + i * row_step, row_step, pair_step, panels, step, c + i * ldc + j, ldc, alpha,
                            row_scale ? row_scale + i : NULL, accumulates, last);
        }
    }
}
#else
#include <stdlib.h>
void fsot_bf16_gemm(size_t m, size_t n, size_t pairs, const uint32_t *a, size_t row_step, size_t pair_step,
                    const uint32_t *panels, size_t packed, size_t panel_step, float *c, size_t ldc, float alpha,
                    const float *row_scale, int accumulates) { abort(); }
#endif
