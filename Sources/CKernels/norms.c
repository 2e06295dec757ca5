// RMSNorm and LayerNorm, a row at a time.
#include "CKernels.h"
#include "vectors.h"

FSOT_DISPATCH void fsot_rmsnorm(const float *restrict x, const float *restrict w, float *restrict y,
                                float *restrict rstd, size_t rows, size_t n, float eps) {
#pragma clang fp reassociate(on) contract(fast)
    for (size_t r = 0; r < rows; r++, x += n, y += n) {
        float sum = 0;
        for (size_t i = 0; i < n; i++) sum += x[i] * x[i];
        float scale = 1.0f / __builtin_elementwise_sqrt(sum / (float)n + eps);
        rstd[r] = scale;
        for (size_t i = 0; i < n; i++) y[i] = x[i] * scale * w[i];
    }
}

FSOT_DISPATCH void fsot_rmsnorm_apply(const float *restrict x, const float *restrict w, const float *restrict rstd,
                                      float *restrict y, size_t rows, size_t n) {
#pragma clang fp reassociate(on) contract(fast)
    for (size_t r = 0; r < rows; r++, x += n, y += n) {
        float scale = rstd[r];
        for (size_t i = 0; i < n; i++) y[i] = x[i] * scale * w[i];
    }
}

FSOT_DISPATCH void fsot_rmsnorm_backward(const float *restrict dy, const float *restrict x, const float *restrict w,
                                         const float *restrict rstd, float *restrict dx, size_t rows, size_t n,
                                         int accumulate) {
#pragma clang fp reassociate(on) contract(fast)
    for (size_t r = 0; r < rows; r++, x += n, dy += n, dx += n) {
        float dot = 0;
        for (size_t i = 0; i < n; i++) dot += dy[i] * w[i] * x[i];
        float scale = rstd[r];
        float pull = dot * scale * scale * scale / (float)n;
        if (accumulate)
            for (size_t i = 0; i < n; i++) dx[i] += dy[i] * w[i] * scale - x[i] * pull;
        else
            for (size_t i = 0; i < n; i++) dx[i] = dy[i] * w[i] * scale - x[i] * pull;
    }
}

FSOT_DISPATCH void fsot_rmsnorm_weight_gradient(double *restrict dw, const float *restrict dy, const float *restrict x,
                                                const float *restrict rstd, size_t rows, size_t n) {
    for (size_t r = 0; r < rows; r++, x += n, dy += n) {
        float scale = rstd[r];
        for (size_t i = 0; i < n; i++) dw[i] += (double)(dy[i] * (x[i] * scale));
    }
}

FSOT_DISPATCH void fsot_layernorm(const float *restrict x, const float *restrict w, const float *restrict b,
                                  float *restrict y, float *restrict mean, float *restrict rstd, size_t rows, size_t n,
                                  float eps) {
#pragma clang fp reassociate(on) contract(fast)
    for (size_t r = 0; r < rows; r++, x += n, y += n) {
        float sum = 0;
        for (size_t i = 0; i < n; i++) sum += x[i];
        float m = sum / (float)n;
        float variance = 0;
        for (size_t i = 0; i < n; i++) variance += (x[i] - m) * (x[i] - m);
        float scale = 1.0f / __builtin_elementwise_sqrt(variance / (float)n + eps);
        mean[r] = m;
        rstd[r] = scale;
        for (size_t i = 0; i < n; i++) y[i] = (x[i] - m) * scale * w[i] + b[i];
    }
}

FSOT_DISPATCH void fsot_layernorm_apply(const float *restrict x, const float *restrict w, const float *restrict b,
                                        const float *restrict mean, const float *restrict rstd, float *restrict y,
                                        size_t rows, size_t n) {
#pragma clang fp reassociate(on) contract(fast)
    for (size_t r = 0; r < rows; r++, x += n, y += n) {
        float m = mean[r], scale = rstd[r];
        for (size_t i = 0; i < n; i++) y[i] = (x[i] - m) * scale * w[i] + b[i];
    }
}

FSOT_DISPATCH void fsot_layernorm_backward(const float *restrict dy, const float *restrict x, const float *restrict w,
                                           const float *restrict mean, const float *restrict rstd, float *restrict dx,
                                           size_t rows, size_t n, int accumulate) {
#pragma clang fp reassociate(on) contract(fast)
    for (size_t r = 0; r < rows; r++, x += n, dy += n, dx += n) {
        float m = mean[r], scale = rstd[r];
        float sum = 0, dot = 0;
        for (size_t i = 0; i < n; i++) {
            float g = dy[i] * w[i];
            sum += g;
            dot += g * (x[i] - m);
        }
        float shift = sum / (float)n;
        float pull = dot * scale * scale / (float)n;
        if (accumulate)
            for (size_t i = 0; i < n; i++) dx[i] += (dy[i] * w[i] - shift - (x[i] - m) * pull) * scale;
        else
            for (size_t i = 0; i < n; i++) dx[i] = (dy[i] * w[i] - shift - (x[i] - m) * pull) * scale;
    }
}

FSOT_DISPATCH void fsot_layernorm_weight_gradient(double *restrict dw, const float *restrict dy,
                                                  const float *restrict x, const float *restrict mean,
                                                  const float *restrict rstd, size_t rows, size_t n) {
    for (size_t r = 0; r < rows; r++, x += n, dy += n) {
        float m = mean[r], scale = rstd[r];
        for (size_t i = 0; i < n; i++) dw[i] += (double)(dy[i] * ((x[i] - m) * scale));
    }
}
