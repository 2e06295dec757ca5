// Operands of the bf16 products, rounded to nearest even from float, or rearranged from bf16.
#include "bf16.h"

#if defined(__x86_64__)
int fsot_bf16_available(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}

FSOT_BF16 void fsot_bf16_rows(const float *x, size_t rows, size_t n, size_t stride, float scale, uint16_t *y, size_t ld) {
    const __m512 s = _mm512_set1_ps(scale);
    size_t even = (n + 1) / 2 * 2;
    for (size_t r = 0; r < rows; r++, x += stride, y += ld)
        for (size_t j = 0; j < even; j += 32) {
            size_t rest = n - j;
            __m512 low = _mm512_maskz_loadu_ps(mask16(rest), x + j);
            __m512 high = rest > 16 ? _mm512_maskz_loadu_ps(mask16(rest - 16), x + j + 16) : _mm512_setzero_ps();
            __m512i v = (__m512i)_mm512_cvtne2ps_pbh(_mm512_mul_ps(high, s), _mm512_mul_ps(low, s));
            _mm512_mask_storeu_epi16(y + j, mask32(even - j), v);
        }
}

FSOT_BF16 void fsot_bf16_floats(const uint16_t *x, float *y, size_t n) {
    for (size_t j = 0; j < n; j += 16) {
        __mmask16 m = mask16(n - j);
        __m512i wide = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(m, x + j));
        _mm512_mask_storeu_ps(y + j, m, (__m512)_mm512_slli_epi32(wide, 16));
    }
}

FSOT_BF16 void fsot_bf16_pairs(const void *x, int is_half, size_t rows, size_t n, size_t stride, uint32_t *y, size_t ld) {
    size_t step = stride * (is_half ? 2 : 4);
    for (size_t r = 0; r < rows; r += 2, y += ld) {
        const void *low = (const char *)x + r * step, *high = r + 1 < rows ? (const char *)low + step : NULL;
        for (size_t j = 0; j < n; j += 16)
            _mm512_mask_storeu_epi32(y + j, mask16(n - j), is_half ? pair16(low, high, j, n - j, 1) : pair16(low, high, j, n - j, 0));
    }
}

FSOT_BF16 void fsot_bf16_panel_of_rows(const void *x, int is_half, size_t rows, size_t n, size_t stride, uint32_t *panel) {
    size_t step = stride * (is_half ? 2 : 4), width = (n + 15) / 16 * 16;
    for (size_t r = 0; r < rows; r += 2, panel += width) {
        const void *low = (const char *)x + r * step, *high = r + 1 < rows ? (const char *)low + step : NULL;
        for (size_t j = 0; j < width; j += 16)
            _mm512_storeu_si512(panel + j, is_half ? pair16(low, high, j, n - j, 1) : pair16(low, high, j, n - j, 0));
    }
}

// Rows become columns: 16 vectors of 16 words.
FSOT_INLINE void transpose16(__m512i r[16]) {
    __m512i t[16];
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) {
        r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
        t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
    }
    for (int i = 0; i < 8; i++) {
        r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
        r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
    }
}

FSOT_INLINE void panel_of_columns(const void *x, int is_half, size_t n, size_t k, size_t stride, uint32_t *panel) {
    size_t step = stride * (is_half ? 2 : 4), width = (n + 15) / 16 * 16, pairs = (k + 1) / 2;
    for (size_t base = 0; base < width; base += 16)
        for (size_t j = 0; j < k; j += 32) {
            __m512i r[16];
            for (size_t i = 0; i < 16; i++)
                r[i] = base + i < n ? load32((const char *)x + (base + i) * step, j, k - j, is_half) : _mm512_setzero_si512();
            transpose16(r);
            size_t count = pairs - j / 2 < 16 ? pairs - j / 2 : 16;
            for (size_t i = 0; i < count; i++) _mm512_storeu_si512(panel + (j / 2 + i) * width + base, r[i]);
        }
}

FSOT_BF16 void fsot_bf16_panel_of_columns(const void *x, int is_half, size_t n, size_t k, size_t stride, uint32_t *panel) {
    if (is_half) panel_of_columns(x, 1, n, k, stride, panel);
    else panel_of_columns(x, 0, n, k, stride, panel);
}

#else
// Never called: fsot_bf16_available() says no.
#include <stdlib.h>
int fsot_bf16_available(void) { return 0; }
void fsot_bf16_rows(const float *x, size_t rows, size_t n, size_t stride, float scale, uint16_t *y, size_t ld) { abort(); }
void fsot_bf16_floats(const uint16_t *x, float *y, size_t n) { abort(); }
void fsot_bf16_pairs(const void *x, int is_half, size_t rows, size_t n, size_t stride, uint32_t *y, size_t ld) { abort(); }
void fsot_bf16_panel_of_rows(const void *x, int is_half, size_t rows, size_t n, size_t stride, uint32_t *panel) { abort(); }
void fsot_bf16_panel_of_columns(const void *x, int is_half, size_t n, size_t k, size_t stride, uint32_t *panel) { abort(); }
#endif
