// The softmax of one block of causal attention, from float scores to bf16 operands of the next products.
#include "bf16.h"
#include "vectors.h"
#include <math.h>

#if defined(__x86_64__)
FSOT_INLINE __mmask16 valid16(size_t valid, size_t j) { return j >= valid ? 0 : mask16(valid - j); }

FSOT_INLINE void store_half16(uint16_t *to, __m512 x) {
    _mm256_storeu_si256((__m256i *)to, (__m256i)_mm512_cvtneps_pbh(x));
}

FSOT_BF16 void fsot_bf16_causal_softmax(const float *scores, size_t rows, size_t n, size_t stride, size_t first,
                                        uint16_t *e, size_t ld, float *inverse, float *lse, size_t lse_step) {
    for (size_t r = 0; r < rows; r++, scores += stride, e += ld) {
        size_t valid = first + r + 1;
        __m512 top = _mm512_set1_ps(-3.0e38f);
        for (size_t j = 0; j < valid; j += 16) {
            __mmask16 m = valid16(valid, j);
            top = _mm512_mask_max_ps(top, m, top, _mm512_maskz_loadu_ps(m, scores + j));
        }
        float maximum = _mm512_reduce_max_ps(top);
        __m512 shift = _mm512_set1_ps(maximum), sum = _mm512_setzero_ps();
        for (size_t j = 0; j < n; j += 16) {
            __mmask16 m = valid16(valid, j);
            __m512 x = _mm512_setzero_ps();
            if (m) x = _mm512_maskz_mov_ps(m, exponential(_mm512_sub_ps(_mm512_maskz_loadu_ps(m, scores + j), shift)));
            sum = _mm512_add_ps(sum, x);
            store_half16(e + j, x);
        }
        float total = _mm512_reduce_add_ps(sum);
        inverse[r] = 1.0f / total;
        if (lse) lse[r * lse_step] = maximum + logf(total);
    }
}

FSOT_BF16 void fsot_bf16_score_gradients(float *scores, const float *dp, size_t rows, size_t n, size_t stride,
                                         size_t first, const float *lse, size_t lse_step, uint32_t *p_pairs,
                                         uint16_t *ds, uint32_t *ds_pairs) {
    for (size_t r = 0; r < rows; r += 2, p_pairs += stride, ds_pairs += stride) {
        float delta[2] = {0, 0};
        size_t pair = rows - r < 2 ? 1 : 2;
        for (size_t q = 0; q < pair; q++) {
            float *s = scores + (r + q) * stride;
            const float *d = dp + (r + q) * stride;
            size_t valid = first + r + q + 1;
            __m512 shift = _mm512_set1_ps(lse[(r + q) * lse_step]), sum = _mm512_setzero_ps();
            for (size_t j = 0; j < n; j += 16) {
                __mmask16 m = valid16(valid, j);
                __m512 p = _mm512_setzero_ps();
                if (m) p = _mm512_maskz_mov_ps(m, exponential(_mm512_sub_ps(_mm512_maskz_loadu_ps(m, s + j), shift)));
                _mm512_storeu_ps(s + j, p);
                sum = _mm512_mask3_fmadd_ps(p, _mm512_maskz_loadu_ps(m, d + j), sum, m);
            }
            delta[q] = _mm512_reduce_add_ps(sum);
        }
        const float *s0 = scores + r * stride, *s1 = s0 + stride, *d0 = dp + r * stride, *d1 = d0 + stride;
        uint16_t *g0 = ds + r * stride, *g1 = g0 + stride;
        __m512 delta0 = _mm512_set1_ps(delta[0]), delta1 = _mm512_set1_ps(delta[1]);
        for (size_t j = 0; j < n; j += 16) {
            __m512 p0 = _mm512_loadu_ps(s0 + j), p1 = _mm512_setzero_ps(), x0, x1 = _mm512_setzero_ps();
            // Columns that a row may not see hold zeros in p but anything in dp.
            x0 = _mm512_maskz_mul_ps(valid16(first + r + 1, j), p0, _mm512_sub_ps(_mm512_loadu_ps(d0 + j), delta0));
            if (pair == 2) {
                p1 = _mm512_loadu_ps(s1 + j);
                x1 = _mm512_maskz_mul_ps(valid16(first + r + 2, j), p1, _mm512_sub_ps(_mm512_loadu_ps(d1 + j), delta1));
            }
            __m512i gradients = (__m512i)_mm512_cvtne2ps_pbh(x1, x0);
            _mm256_storeu_si256((__m256i *)(g0 + j), _mm512_castsi512_si256(gradients));
            if (pair == 2) _mm256_storeu_si256((__m256i *)(g1 + j), _mm512_extracti64x4_epi64(gradients, 1));
            _mm512_storeu_si512(ds_pairs + j, interleave(gradients));
            _mm512_storeu_si512(p_pairs + j, interleave((__m512i)_mm512_cvtne2ps_pbh(p1, p0)));
        }
    }
}

FSOT_BF16 float fsot_bf16_exponentials(const float *z, size_t n, uint16_t *e, float *maximum) {
    __m512 top = _mm512_set1_ps(-3.0e38f);
    for (size_t j = 0; j < n; j += 16) {
        __mmask16 m = mask16(n - j);
        top = _mm512_mask_max_ps(top, m, top, _mm512_maskz_loadu_ps(m, z + j));
    }
    *maximum = _mm512_reduce_max_ps(top);
    __m512 shift = _mm512_set1_ps(*maximum), sum = _mm512_setzero_ps();
    for (size_t j = 0; j < n; j += 16) {
        __mmask16 m = mask16(n - j);
        __m512 x = _mm512_maskz_mov_ps(m, exponential(_mm512_sub_ps(_mm512_maskz_loadu_ps(m, z + j), shift)));
        sum = _mm512_add_ps(sum, x);
        if (e) _mm256_mask_storeu_epi16(e + j, m, (__m256i)_mm512_cvtneps_pbh(x));
    }
    return _mm512_reduce_add_ps(sum);
}
#else
#include <stdlib.h>
void fsot_bf16_causal_softmax(const float *scores, size_t rows, size_t n, size_t stride, size_t first, uint16_t *e,
                              size_t ld, float *inverse, float *lse, size_t lse_step) { abort(); }
void fsot_bf16_score_gradients(float *scores, const float *dp, size_t rows, size_t n, size_t stride, size_t first,
                               const float *lse, size_t lse_step, uint32_t *p_pairs, uint16_t *ds, uint32_t *ds_pairs) { abort(); }
float fsot_bf16_exponentials(const float *z, size_t n, uint16_t *e, float *maximum) { abort(); }
#endif
