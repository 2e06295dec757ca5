// SwiGLU, GELU (tanh form), ReLU and the rotary embedding. Pointers are not `restrict`: the backward kernels may write
// over an input.
#include "CKernels.h"
#include "vectors.h"

FSOT_DISPATCH void fsot_swiglu(const float *restrict gate, const float *restrict up, float *restrict y, size_t n) {
#pragma clang fp contract(fast)
    for (size_t i = 0; i < n; i++) y[i] = gate[i] / (1.0f + fsot_exp(-gate[i])) * up[i];
}

FSOT_DISPATCH void fsot_swiglu_backward(const float *dy, const float *gate, const float *up, float *dgate, float *dup,
                                        size_t n) {
#pragma clang fp contract(fast)
#pragma clang loop vectorize(assume_safety)
    for (size_t i = 0; i < n; i++) {
        float g = gate[i], u = up[i], d = dy[i];
        float sigmoid = 1.0f / (1.0f + fsot_exp(-g));
        float silu = g * sigmoid;
        dgate[i] = d * u * (sigmoid + silu * (1.0f - sigmoid));
        dup[i] = d * silu;
    }
}

// tanh(z) = 1 - 2 / (1 + exp(2z)); z = sqrt(2/pi) (x + 0.044715 x^3).
FSOT_DISPATCH void fsot_gelu(const float *restrict x, float *restrict y, size_t n) {
#pragma clang fp contract(fast)
    for (size_t i = 0; i < n; i++) {
        float v = x[i];
        float z = 0.7978845608028654f * (v + 0.044715f * v * v * v);
        y[i] = v * (1.0f - 1.0f / (1.0f + fsot_exp(2.0f * z)));
    }
}

FSOT_DISPATCH void fsot_gelu_backward(const float *dy, const float *x, float *dx, size_t n) {
#pragma clang fp contract(fast)
#pragma clang loop vectorize(assume_safety)
    for (size_t i = 0; i < n; i++) {
        float v = x[i];
        float z = 0.7978845608028654f * (v + 0.044715f * v * v * v);
        float half = 1.0f - 1.0f / (1.0f + fsot_exp(2.0f * z));  // (1 + tanh z) / 2
        float slope = 0.7978845608028654f * (1.0f + 3.0f * 0.044715f * v * v);
        dx[i] = dy[i] * (half + 2.0f * v * half * (1.0f - half) * slope);
    }
}

FSOT_DISPATCH void fsot_relu(const float *restrict x, float *restrict y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = x[i] > 0 ? x[i] : 0;
}

FSOT_DISPATCH void fsot_relu_backward(const float *dy, const float *x, float *dx, size_t n) {
#pragma clang loop vectorize(assume_safety)
    for (size_t i = 0; i < n; i++) dx[i] = x[i] > 0 ? dy[i] : 0;
}

FSOT_DISPATCH void fsot_rotary(const float *x, float *y, const float *cosine, const float *sine, size_t heads,
                               size_t half, float sign) {
#pragma clang fp contract(fast)
    for (size_t h = 0; h < heads; h++, x += 2 * half, y += 2 * half) {
#pragma clang loop vectorize(assume_safety)
        for (size_t i = 0; i < half; i++) {
            float a = x[i], b = x[i + half], c = cosine[i], s = sign * sine[i];
            y[i] = a * c - b * s;
            y[i + half] = b * c + a * s;
        }
    }
}
