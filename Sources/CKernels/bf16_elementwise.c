// What stands between two bf16 products: float inside, bf16 where the result is only ever an operand or saved.
#include "bf16.h"

#if defined(__x86_64__)
FSOT_INLINE __m512 half16(const uint16_t *x, __mmask16 m) {
    return (__m512)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(m, x)), 16);
}

FSOT_INLINE void store16(uint16_t *to, __mmask16 m, __m512 x) {
    _mm256_mask_storeu_epi16(to, m, (__m256i)_mm512_cvtneps_pbh(x));
}

FSOT_INLINE void scaled_row(const float *x, const float *w, float r, uint16_t *y, size_t n) {
    __m512 scale = _mm512_set1_ps(r);
    for (size_t j = 0; j < n; j += 16) {
        __mmask16 m = mask16(n - j);
        __m512 v = _mm512_mul_ps(_mm512_maskz_loadu_ps(m, x + j), scale);
        store16(y + j, m, _mm512_mul_ps(v, _mm512_maskz_loadu_ps(m, w + j)));
    }
}

FSOT_BF16 void fsot_bf16_rmsnorm(const float *x, const float *w, uint16_t *y, float *rstd, size_t rows, size_t n, float eps) {
    for (size_t r = 0; r < rows; r++, x += n, y += n) {
        __m512 a = _mm512_setzero_ps(), b = a;
        for (size_t j = 0; j < n; j += 32) {
            __m512 u = _mm512_maskz_loadu_ps(mask16(n - j), x + j);
            __m512 v = n - j > 16 ? _mm512_maskz_loadu_ps(mask16(n - j - 16), x + j + 16) : _mm512_setzero_ps();
            a = _mm512_fmadd_ps(u, u, a);
            b = _mm512_fmadd_ps(v, v, b);
        }
        float mean = _mm512_reduce_add_ps(_mm512_add_ps(a, b)) / (float)n + eps;
        rstd[r] = 1.0f / __builtin_elementwise_sqrt(mean);
        scaled_row(x, w, rstd[r], y, n);
    }
}

FSOT_BF16 void fsot_bf16_rmsnorm_apply(const float *x, const float *w, const float *rstd, uint16_t *y, size_t rows, size_t n) {
    for (size_t r = 0; r < rows; r++, x += n, y += n) scaled_row(x, w, rstd[r], y, n);
}

FSOT_INLINE __m512 sigmoid(__m512 x) {
    const __m512 one = _mm512_set1_ps(1.0f);
    return _mm512_div_ps(one, _mm512_add_ps(one, exponential(_mm512_sub_ps(_mm512_setzero_ps(), x))));
}

FSOT_BF16 void fsot_bf16_swiglu(const float *gate, const float *up, uint16_t *y, uint16_t *gate_half, uint16_t *up_half, size_t n) {
    for (size_t j = 0; j < n; j += 16) {
        __mmask16 m = mask16(n - j);
        __m512 g = _mm512_maskz_loadu_ps(m, gate + j), u = _mm512_maskz_loadu_ps(m, up + j);
        store16(y + j, m, _mm512_mul_ps(_mm512_mul_ps(g, sigmoid(g)), u));
        if (gate_half) {
            store16(gate_half + j, m, g);
            store16(up_half + j, m, u);
        }
    }
}

FSOT_BF16 void fsot_bf16_swiglu_apply(const uint16_t *gate, const uint16_t *up, uint16_t *y, size_t n) {
    for (size_t j = 0; j < n; j += 16) {
        __mmask16 m = mask16(n - j);
        __m512 g = half16(gate + j, m);
        store16(y + j, m, _mm512_mul_ps(_mm512_mul_ps(g, sigmoid(g)), half16(up + j, m)));
    }
}

FSOT_BF16 void fsot_bf16_swiglu_backward(const float *dy, const uint16_t *gate, const uint16_t *up, uint16_t *dgate,
                                         uint16_t *dup, size_t n) {
    const __m512 one = _mm512_set1_ps(1.0f);
    for (size_t j = 0; j < n; j += 16) {
        __mmask16 m = mask16(n - j);
        __m512 d = _mm512_maskz_loadu_ps(m, dy + j), g = half16(gate + j, m), s = sigmoid(g), silu = _mm512_mul_ps(g, s);
        __m512 slope = _mm512_fmadd_ps(silu, _mm512_sub_ps(one, s), s);
        store16(dup + j, m, _mm512_mul_ps(d, silu));
        store16(dgate + j, m, _mm512_mul_ps(_mm512_mul_ps(d, half16(up + j, m)), slope));
    }
}
#else
#include <stdlib.h>
void fsot_bf16_rmsnorm(const float *x, const float *w, uint16_t *y, float *rstd, size_t rows, size_t n, float eps) { abort(); }
void fsot_bf16_rmsnorm_apply(const float *x, const float *w, const float *rstd, uint16_t *y, size_t rows, size_t n) { abort(); }
void fsot_bf16_swiglu(const float *gate, const float *up, uint16_t *y, uint16_t *gate_half, uint16_t *up_half, size_t n) { abort(); }
void fsot_bf16_swiglu_apply(const uint16_t *gate, const uint16_t *up, uint16_t *y, size_t n) { abort(); }
void fsot_bf16_swiglu_backward(const float *dy, const uint16_t *gate, const uint16_t *up, uint16_t *dgate, uint16_t *dup, size_t n) { abort(); }
#endif
