// Optimiser steps in one pass over parameter, gradient and state.
#include "CKernels.h"
#include "vectors.h"

FSOT_DISPATCH void fsot_adamw(float *restrict p, const float *restrict g, float *restrict m, float *restrict v, size_t n,
                              float step, float beta1, float beta2, float epsilon, float decay, float inverse_root,
                              float gradient_scale) {
#pragma clang fp contract(fast)
    for (size_t i = 0; i < n; i++) {
        float gradient = g[i] * gradient_scale;
        float mean = m[i] + (1.0f - beta1) * (gradient - m[i]);
        float square = beta2 * v[i] + (1.0f - beta2) * gradient * gradient;
        m[i] = mean;
        v[i] = square;
        p[i] = p[i] * decay - step * mean / (__builtin_elementwise_sqrt(square) * inverse_root + epsilon);
    }
}

FSOT_DISPATCH void fsot_sgd(float *p, const float *g, float *velocity, size_t n, float rate, float momentum,
                            float decay, float gradient_scale, int first) {
#pragma clang fp contract(fast)
    if (!velocity) {
#pragma clang loop vectorize(assume_safety)
        for (size_t i = 0; i < n; i++) p[i] -= rate * (g[i] * gradient_scale + decay * p[i]);
        return;
    }
    if (first) {
#pragma clang loop vectorize(assume_safety)
        for (size_t i = 0; i < n; i++) {
            velocity[i] = g[i] * gradient_scale + decay * p[i];
            p[i] -= rate * velocity[i];
        }
        return;
    }
#pragma clang loop vectorize(assume_safety)
    for (size_t i = 0; i < n; i++) {
        velocity[i] = momentum * velocity[i] + (g[i] * gradient_scale + decay * p[i]);
        p[i] -= rate * velocity[i];
    }
}
