// The softmax of one block of causal attention, forward and backward.
#include "CKernels.h"
#include "vectors.h"
#include <math.h>

FSOT_DISPATCH void fsot_causal_softmax(float *scores, size_t rows, size_t n, size_t stride, size_t first, size_t block,
                                       float *lse) {
#pragma clang fp contract(fast)
    for (size_t r = 0; r < rows; r++, scores += stride) {
        size_t valid = first + r % block + 1;
        size_t whole = valid / 16 * 16, i;
        v16 m = SPLAT16(-3.0e38f);
        for (i = 0; i < whole; i += 16) m = __builtin_elementwise_max(m, LOAD16(scores + i));
        float maximum = __builtin_reduce_max(m);
        for (; i < valid; i++) maximum = scores[i] > maximum ? scores[i] : maximum;
        v16 s = SPLAT16(0.0f);
        for (i = 0; i < whole; i += 16) {
            EXP16(e, LOAD16(scores + i) - maximum);
            STORE16(scores + i, e);
            s += e;
        }
        float sum = 0;
        for (; i < valid; i++) {
            float e = fsot_exp(scores[i] - maximum);
            scores[i] = e;
            sum += e;
        }
        for (int k = 0; k < 16; k++) sum += s[k];
        if (lse) lse[r] = maximum + logf(sum);
        float inverse = 1.0f / sum;
        for (i = 0; i < valid; i++) scores[i] *= inverse;
        for (; i < n; i++) scores[i] = 0;
    }
}

FSOT_DISPATCH void fsot_causal_probabilities(float *scores, size_t rows, size_t n, size_t stride, size_t first,
                                             size_t block, const float *lse) {
#pragma clang fp contract(fast)
    for (size_t r = 0; r < rows; r++, scores += stride) {
        size_t valid = first + r % block + 1;
        size_t whole = valid / 16 * 16, i;
        float shift = lse[r];
        for (i = 0; i < whole; i += 16) {
            EXP16(e, LOAD16(scores + i) - shift);
            STORE16(scores + i, e);
        }
        for (; i < valid; i++) scores[i] = fsot_exp(scores[i] - shift);
        for (; i < n; i++) scores[i] = 0;
    }
}

FSOT_DISPATCH void fsot_score_gradient(float *restrict dp, const float *restrict p, const float *restrict delta,
                                       size_t rows, size_t n, size_t stride) {
    for (size_t r = 0; r < rows; r++, dp += stride, p += stride) {
        float d = delta[r];
        for (size_t i = 0; i < n; i++) dp[i] = p[i] * (dp[i] - d);
    }
}

FSOT_DISPATCH float fsot_dot(const float *restrict a, const float *restrict b, size_t n) {
#pragma clang fp reassociate(on) contract(fast)
    float sum = 0;
    for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

FSOT_DISPATCH void fsot_decode_attention(const float *restrict q, size_t group, size_t d, const float *restrict keys,
                                         const float *restrict values, size_t stride, size_t n, float scale,
                                         float *restrict scores, float *restrict out) {
#pragma clang fp reassociate(on) contract(fast)
    for (size_t j = 0; j < n; j++)
        for (size_t g = 0; g < group; g++) {
            float sum = 0;
            for (size_t i = 0; i < d; i++) sum += q[g * d + i] * keys[j * stride + i];
            scores[g * n + j] = sum * scale;
        }
    for (size_t g = 0; g < group; g++) {
        float *s = scores + g * n, *y = out + g * d, maximum = s[0], sum = 0;
        for (size_t j = 1; j < n; j++) maximum = s[j] > maximum ? s[j] : maximum;
        for (size_t j = 0; j < n; j++) {
            s[j] = fsot_exp(s[j] - maximum);
            sum += s[j];
        }
        float inverse = 1.0f / sum;
        for (size_t i = 0; i < d; i++) y[i] = 0;
        for (size_t j = 0; j < n; j++) {
            float p = s[j] * inverse;
            for (size_t i = 0; i < d; i++) y[i] += p * values[j * stride + i];
        }
    }
}
