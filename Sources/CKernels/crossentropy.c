// Softmax sums over rows of logits. Lanes are summed in float over blocks of 1024, blocks in float64.
#include "CKernels.h"
#include "vectors.h"

#include <math.h>

#define MAXIMUM(z, n, result)                                                                                          \
    do {                                                                                                               \
        size_t whole_ = (n) / 16 * 16, i_;                                                                             \
        v16 m_ = SPLAT16(-3.0e38f);                                                                                    \
        for (i_ = 0; i_ < whole_; i_ += 16) m_ = __builtin_elementwise_max(m_, LOAD16((z) + i_));                      \
        result = __builtin_reduce_max(m_);                                                                             \
        for (; i_ < (n); i_++) result = (z)[i_] > result ? (z)[i_] : result;                                           \
    } while (0)

FSOT_DISPATCH double fsot_exponentials(float *z, size_t n, float *maximum) {
#pragma clang fp contract(fast)
    float top;
    MAXIMUM(z, n, top);
    *maximum = top;
    double sum = 0;
    for (size_t start = 0; start < n; start += 1024) {
        size_t end = start + 1024 < n ? start + 1024 : n, i = start;
        v16 s = SPLAT16(0.0f);
        for (; i + 16 <= end; i += 16) {
            EXP16(e, LOAD16(z + i) - top);
            STORE16(z + i, e);
            s += e;
        }
        float rest = 0;
        for (; i < end; i++) {
            z[i] = fsot_exp(z[i] - top);
            rest += z[i];
        }
        for (int k = 0; k < 16; k++) rest += s[k];
        sum += (double)rest;
    }
    return sum;
}

FSOT_DISPATCH double fsot_exponential_sum(const float *z, size_t n, float *maximum) {
#pragma clang fp contract(fast)
    float top;
    MAXIMUM(z, n, top);
    *maximum = top;
    double sum = 0;
    for (size_t start = 0; start < n; start += 1024) {
        size_t end = start + 1024 < n ? start + 1024 : n, i = start;
        v16 s = SPLAT16(0.0f);
        for (; i + 16 <= end; i += 16) {
            EXP16(e, LOAD16(z + i) - top);
            s += e;
        }
        float rest = 0;
        for (; i < end; i++) rest += fsot_exp(z[i] - top);
        for (int k = 0; k < 16; k++) rest += s[k];
        sum += (double)rest;
    }
    return sum;
}

FSOT_DISPATCH void fsot_log_moments(const float *z, size_t n, float shift, double moments[3]) {
#pragma clang fp contract(fast)
    double sums[3] = {0, 0, 0};
    for (size_t start = 0; start < n; start += 1024) {
        size_t end = start + 1024 < n ? start + 1024 : n, i = start;
        v16 a = SPLAT16(0.0f), b = a, c = a;
        for (; i + 16 <= end; i += 16) {
            v16 d = LOAD16(z + i) - shift;
            EXP16(e, d);
            a += e;
            b += e * d;
            c += e * d * d;
        }
        float x = 0, y = 0, w = 0;
        for (; i < end; i++) {
            float d = z[i] - shift;
            float e = fsot_exp(d);
            x += e;
            y += e * d;
            w += e * d * d;
        }
        for (int k = 0; k < 16; k++) {
            x += a[k];
            y += b[k];
            w += c[k];
        }
        sums[0] += (double)x;
        sums[1] += (double)y;
        sums[2] += (double)w;
    }
    memcpy(moments, sums, sizeof sums);
}

FSOT_DISPATCH double fsot_divergence(const float *teacher, float *student, size_t n, float scale) {
#pragma clang fp contract(fast)
    float top;
    double sum = fsot_exponential_sum(teacher, n, &top);
    float teacher_log = (float)((double)top + log(sum));
    sum = fsot_exponential_sum(student, n, &top);
    float student_log = (float)((double)top + log(sum));
    double divergence = 0;
    for (size_t start = 0; start < n; start += 1024) {
        size_t end = start + 1024 < n ? start + 1024 : n, i = start;
        v16 s = SPLAT16(0.0f);
        for (; i + 16 <= end; i += 16) {
            v16 a = LOAD16(teacher + i) - teacher_log, b = LOAD16(student + i) - student_log;
            EXP16(p, a);
            EXP16(q, b);
            s += p * (a - b);
            STORE16(student + i, (q - p) * scale);
        }
        float rest = 0;
        for (; i < end; i++) {
            float a = teacher[i] - teacher_log, b = student[i] - student_log;
            float p = fsot_exp(a);
            rest += p * (a - b);
            student[i] = (fsot_exp(b) - p) * scale;
        }
        for (int k = 0; k < 16; k++) rest += s[k];
        divergence += (double)rest;
    }
    return divergence;
}
