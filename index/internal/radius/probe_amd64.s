//go:build !noasm

#include "textflag.h"
#include "go_asm.h"

// The look-up of request.probe and signs.gather. A table lies in memory at random,
// so cache lines are asked for before they are read. A load that misses the cache
// holds its place in the processor until the line is there; PREFETCHT0 is done as
// soon as it is issued. What then remains is counting, and that is done for 16
// buckets at a time with AVX-512, and without branches, since whether a bucket is
// empty is a coin's toss.
//
// VPGATHERDD would fetch the records, but takes two or more cycles for each word of
// them; a record is one load and a shuffle here. VPCOMPRESSD is slow only if it
// writes to memory (on AMD), so it compresses to a register, which is then written
// whole: there must be room for that.

// Lanes of an interleaving of two registers: the lower eight, the upper eight.
DATA zip<>+0(SB)/8, $0x0000001000000000
DATA zip<>+8(SB)/8, $0x0000001100000001
DATA zip<>+16(SB)/8, $0x0000001200000002
DATA zip<>+24(SB)/8, $0x0000001300000003
DATA zip<>+32(SB)/8, $0x0000001400000004
DATA zip<>+40(SB)/8, $0x0000001500000005
DATA zip<>+48(SB)/8, $0x0000001600000006
DATA zip<>+56(SB)/8, $0x0000001700000007
DATA zip<>+64(SB)/8, $0x0000001800000008
DATA zip<>+72(SB)/8, $0x0000001900000009
DATA zip<>+80(SB)/8, $0x0000001a0000000a
DATA zip<>+88(SB)/8, $0x0000001b0000000b
DATA zip<>+96(SB)/8, $0x0000001c0000000c
DATA zip<>+104(SB)/8, $0x0000001d0000000d
DATA zip<>+112(SB)/8, $0x0000001e0000000e
DATA zip<>+120(SB)/8, $0x0000001f0000000f
GLOBL zip<>(SB), RODATA|NOPTR, $128

// RECORDS loads the records of buckets r, 4+r, 8+r and 12+r, whose offsets are at
// R14, into the quarters of Z.
#define RECORDS(r, X, Z) \
	MOVL         (4*r)(R14), AX          \
	MOVL         (16+4*r)(R14), BX       \
	MOVL         (32+4*r)(R14), R11      \
	MOVL         (48+4*r)(R14), R12      \
	VMOVDQU      (DI)(AX*1), X           \
	VINSERTI32X4 $1, (DI)(BX*1), Z, Z    \
	VINSERTI32X4 $2, (DI)(R11*1), Z, Z   \
	VINSERTI32X4 $3, (DI)(R12*1), Z, Z

// ASK prefetches line i of the next table.
#define ASK(i) \
	MOVL       (4*i)(R9), AX  \
	XORL       R13, AX        \
	SHLQ       $4, AX         \
	PREFETCHT0 (R10)(AX*1)

// probeAVX512 looks up 16 buckets at a time. Meanwhile it asks for as many lines
// of the next table as go with them.
//
// Registers:
//	DI   records      SI   masks        R15  dists
//	CX   masks left   R8   spans        R14  offsets of 16 records
//	R9   lines, R10 records, R13 key, of the next table, DX lines left
//	Z31  key          Z30  1, Z29  31   Z28, Z27, Z26  n of 1, 2, 4 in a size
//	Z23  held         Z22  end          K7   full
//	Z25, Z24  see zip K1   lanes in use AX, BX, R11, R12  scratch
//
// func probeAVX512(l *lookup)
TEXT ·probeAVX512(SB), NOSPLIT, $128-8
	MOVQ         l+0(FP), DX
	LEAQ         64(SP), R14
	ANDQ         $~63, R14
	MOVQ         lookup_records(DX), DI
	MOVQ         lookup_masks(DX), SI
	MOVQ         lookup_spans(DX), R8
	MOVQ         lookup_nextLines(DX), R9
	MOVQ         lookup_nextRecords(DX), R10
	MOVL         lookup_nextFirst(DX), R13
	MOVQ         lookup_count(DX), CX
	VPBROADCASTD lookup_key(DX), Z31
	MOVL         $1, AX
	VPBROADCASTD AX, Z30
	MOVL         $31, AX
	VPBROADCASTD AX, Z29
	VPSLLD       $const_distBits, Z30, Z28
	VPSLLD       $1, Z28, Z27
	VPSLLD       $2, Z28, Z26
	VMOVDQU64    zip<>+0(SB), Z25
	VMOVDQU64    zip<>+64(SB), Z24
	VPXORD       Z23, Z23, Z23     // held
	VPXORD       Z22, Z22, Z22     // end
	KXORW        K7, K7, K7        // full
	MOVQ         lookup_dists(DX), R15
	MOVQ         lookup_nextCount(DX), DX
	KXNORW       K1, K1, K1

loop:
	CMPQ         CX, $16
	JGE          whole
	MOVL         $1, AX
	SHLL         CX, AX
	DECL         AX
	KMOVW        AX, K1
whole:
	VMOVDQU32.Z  (SI), K1, Z0
	VPMOVZXBD.Z  (R15), K1, Z9
	VPXORD       Z31, Z0, Z0
	VPSRLD       $5, Z0, Z1
	VPSLLD       $4, Z1, Z1
	VPANDD       Z29, Z0, Z0
	VMOVDQA32    Z1, (R14)
	VPSLLVD      Z0, Z30, Z10      // the bit of the bucket
	VPSUBD       Z30, Z10, Z11     // those below

	CMPQ         DX, $8
	JLT          asked
	ASK(0)
	ASK(1)
	ASK(2)
	ASK(3)
	ASK(4)
	ASK(5)
	ASK(6)
	ASK(7)
	ADDQ         $32, R9
	SUBQ         $8, DX
asked:
	RECORDS(0, X1, Z1)
	RECORDS(1, X2, Z2)
	RECORDS(2, X3, Z3)
	RECORDS(3, X4, Z4)
	VPUNPCKLDQ   Z2, Z1, Z5
	VPUNPCKLDQ   Z4, Z3, Z6
	VPUNPCKHDQ   Z2, Z1, Z7
	VPUNPCKHDQ   Z4, Z3, Z8
	VPUNPCKLQDQ  Z6, Z5, Z1        // base
	VPUNPCKHQDQ  Z6, Z5, Z2        // ones
	VPUNPCKLQDQ  Z8, Z7, Z3        // twos
	VPUNPCKHQDQ  Z8, Z7, Z4        // fours

	VPTESTMD     Z10, Z2, K1, K2
	VPTESTMD     Z10, Z3, K1, K3
	VPTESTMD     Z10, Z4, K1, K4
	VPANDD       Z11, Z2, Z2
	VPANDD       Z11, Z3, Z3
	VPANDD       Z11, Z4, Z4
	VPOPCNTD     Z2, Z2
	VPOPCNTD     Z3, Z3
	VPOPCNTD     Z4, Z4
	VPADDD       Z4, Z4, Z4
	VPADDD       Z4, Z3, Z3
	VPADDD       Z3, Z3, Z3
	VPADDD       Z1, Z2, Z2
	VPADDD       Z3, Z2, Z2        // start
	VPORD        Z28, Z9, K2, Z9
	VPORD        Z27, Z9, K3, Z9
	VPORD        Z26, Z9, K4, Z9   // size
	KANDW        K2, K3, K6
	KANDW        K4, K6, K6
	KORW         K6, K7, K7
	KORW         K2, K3, K5
	KORW         K4, K5, K5
	VPSRLD       $const_distBits, Z9, Z5
	VPADDD       Z5, Z23, Z23
	VPADDD       Z2, Z5, Z5
	VPMAXUD      Z5, Z22, Z22

	VPCOMPRESSD.Z Z2, K5, Z1
	VPCOMPRESSD.Z Z9, K5, Z3
	VMOVDQA64    Z1, Z2
	VPERMT2D     Z3, Z25, Z1
	VPERMT2D     Z3, Z24, Z2
	VMOVDQU64    Z1, (R8)
	VMOVDQU64    Z2, 64(R8)
	KMOVW        K5, AX
	POPCNTL      AX, AX
	LEAQ         (R8)(AX*8), R8

	ADDQ         $64, SI
	ADDQ         $16, R15
	SUBQ         $16, CX
	JG           loop

	TESTQ        DX, DX
	JZ           over
rest:
	ASK(0)
	ADDQ         $4, R9
	DECQ         DX
	JNZ          rest
over:
	MOVQ         l+0(FP), DX
	MOVQ         lookup_spans(DX), SI
	MOVQ         R8, AX
	SUBQ         SI, AX
	SHRQ         $3, AX
	MOVQ         AX, lookup_found(DX)
	KMOVW        K7, AX
	MOVL         AX, lookup_full(DX)

	VEXTRACTI64X4 $1, Z23, Y1
	VEXTRACTI64X4 $1, Z22, Y2
	VPADDD       Y1, Y23, Y1
	VPMAXUD      Y2, Y22, Y2
	VEXTRACTI128 $1, Y1, X3
	VEXTRACTI128 $1, Y2, X4
	VPADDD       X3, X1, X1
	VPMAXUD      X4, X2, X2
	VPSHUFD      $0x4e, X1, X3
	VPSHUFD      $0x4e, X2, X4
	VPADDD       X3, X1, X1
	VPMAXUD      X4, X2, X2
	VPSHUFD      $0xb1, X1, X3
	VPSHUFD      $0xb1, X2, X4
	VPADDD       X3, X1, X1
	VPMAXUD      X4, X2, X2
	VMOVD        X1, lookup_held(DX)
	VMOVD        X2, lookup_end(DX)
	VZEROUPPER

	RET

// probeBMI2 looks up one bucket at a time. It always writes a span, and advances
// if that is not empty.
//
// func probeBMI2(l *lookup)
TEXT ·probeBMI2(SB), NOSPLIT, $8-8
	MOVQ l+0(FP), AX
	MOVQ lookup_records(AX), DI
	MOVQ lookup_masks(AX), SI
	MOVQ lookup_dists(AX), R9
	MOVQ lookup_spans(AX), R8
	MOVQ lookup_count(AX), CX
	MOVL lookup_key(AX), R13
	XORL R10, R10                 // held
	XORL R15, R15                 // end
	MOVL $0, full-8(SP)
	TESTQ CX, CX
	JLE  done

	PCALIGN $32
loop:
	MOVL    (SI), R11
	XORL    R13, R11
	MOVL    R11, AX
	SHRL    $5, AX
	SHLQ    $4, AX
	ADDQ    DI, AX
	ANDL    $31, R11
	MOVL    record_ones(AX), BX
	BZHIL   R11, BX, R12
	SHRXL   R11, BX, BX
	POPCNTL R12, R12
	ANDL    $1, BX
	MOVL    record_twos(AX), DX
	BZHIL   R11, DX, R14
	SHRXL   R11, DX, DX
	POPCNTL R14, R14
	ANDL    $1, DX
	LEAL    (R12)(R14*2), R12
	LEAL    (BX)(DX*2), BX
	MOVL    record_fours(AX), DX
	BZHIL   R11, DX, R14
	SHRXL   R11, DX, DX
	POPCNTL R14, R14
	ANDL    $1, DX
	LEAL    (R12)(R14*4), R12
	LEAL    (BX)(DX*4), BX        // n
	ADDL    record_base(AX), R12  // start
	MOVBLZX (R9), DX
	LEAL    (DX)(BX*8), DX
	MOVL    R12, span_start(R8)
	MOVL    DX, span_size(R8)
	ADDL    BX, R10
	ADDL    BX, R12
	CMPL    R12, R15
	CMOVLHI R12, R15
	LEAL    1(BX), AX
	ORL     AX, full-8(SP)
	XORL    AX, AX
	TESTL   BX, BX
	SETNE   AX
	LEAQ    (R8)(AX*8), R8
	ADDQ    $4, SI
	INCQ    R9
	DECQ    CX
	JNZ     loop
done:
	MOVQ l+0(FP), AX
	SUBQ lookup_spans(AX), R8
	SHRQ $3, R8
	MOVQ R8, lookup_found(AX)
	MOVL R10, lookup_held(AX)
	MOVL R15, lookup_end(AX)
	MOVL full-8(SP), BX
	ANDL $8, BX
	MOVL BX, lookup_full(AX)
	RET

// func prefetchLines(records []record, lines []uint32, first uint32)
TEXT ·prefetchLines(SB), NOSPLIT, $0-52
	MOVQ records_base+0(FP), DI
	MOVQ lines_base+24(FP), SI
	MOVQ lines_len+32(FP), CX
	MOVL first+48(FP), DX
	LEAQ (SI)(CX*4), CX
	JMP  test

loop:
	MOVL       (SI), AX
	XORL       DX, AX
	SHLQ       $4, AX
	PREFETCHT0 (DI)(AX*1)
	ADDQ       $4, SI
test:
	CMPQ SI, CX
	JLT  loop
	RET

// func prefetchIDs(ids []uint32, spans []span)
TEXT ·prefetchIDs(SB), NOSPLIT, $0-48
	MOVQ ids_base+0(FP), DI
	MOVQ spans_base+24(FP), SI
	MOVQ spans_len+32(FP), CX
	LEAQ (SI)(CX*8), CX
	JMP  test

loop:
	MOVL       span_start(SI), AX
	MOVL       span_size(SI), BX
	SHRL       $const_distBits, BX
	ADDQ       AX, BX
	PREFETCHT0 (DI)(AX*4)
	PREFETCHT0 -4(DI)(BX*4)
	ADDQ       $span__size, SI
test:
	CMPQ SI, CX
	JLT  loop
	RET

// KEEP copies those of the 16 numbers from AX on that are in K1 and whose sign is near.
// It destroys R13.
#define KEEP \
	VMOVDQU32.Z   (DI)(AX*4), K1, Z0               \
	VPSRLVD       Z31, Z0, Z1                      \
	VPXORD        Z30, Z1, Z1                      \
	VPOPCNTD      Z1, Z1                           \
	VPCMPUD.BCST  $2, (R10)(R11*4), Z1, K1, K2     \
	VPANDD        Z29, Z0, Z0                      \
	VPCOMPRESSD.Z Z0, K2, Z0                       \
	VMOVDQU32     Z0, (R8)                         \
	KMOVW         K2, R13                          \
	POPCNTL       R13, R13                         \
	LEAQ          (R8)(R13*4), R8

// gatherAVX512 copies the numbers of spans whose sign is near. It stops before a
// span of more than 16 numbers, or of the overflow.
//
// It reads whole cache lines: 16 numbers from a multiple of 16 on, of which K1
// leaves those of the span. A load from where the span begins would mostly cross
// into the next line, and the processor waits for that one too, although no lane
// of it is in K1: a search of a million codes took 6 us more.
//
// Registers:
//	DI   ids          SI   spans        CX   their end
//	R8   out          R9   its start    R10  left
//	AX   start        BX   lanes        R11  dist
//	R12  -1           R13  scratch
//	Z31  shift        Z30  sign         Z29  mask
//
// func gatherAVX512(x *gathering)
TEXT ·gatherAVX512(SB), NOSPLIT, $0-8
	MOVQ         x+0(FP), DX
	MOVQ         gathering_ids(DX), DI
	MOVQ         gathering_spans(DX), SI
	MOVQ         gathering_count(DX), CX
	LEAQ         (SI)(CX*8), CX
	MOVQ         gathering_out(DX), R8
	MOVQ         R8, R9
	VPBROADCASTD gathering_shift(DX), Z31
	VPBROADCASTD gathering_sign(DX), Z30
	VPBROADCASTD gathering_mask(DX), Z29
	LEAQ         gathering_left(DX), R10
	MOVL         $-1, R12
	CMPQ         SI, CX
	JGE          done

loop:
	MOVL         span_size(SI), BX
	MOVL         span_start(SI), AX
	MOVL         BX, R11
	SHRL         $const_distBits, BX
	CMPL         BX, $const_gatherLanes
	JHI          done
	TESTL        $const_hidden, AX
	JNZ          done
	ANDL         $((1<<const_distBits)-1), R11
	BZHIL        BX, R12, BX
	MOVL         AX, R13
	ANDL         $15, R13
	SHLXL        R13, BX, BX
	XORL         R13, AX
	KMOVW        BX, K1
	KEEP
	SHRL         $16, BX
	JNZ          second
next:
	ADDQ         $span__size, SI
	CMPQ         SI, CX
	JLT          loop
	JMP          done
second:
	ADDL         $16, AX
	KMOVW        BX, K1
	KEEP
	JMP          next
done:
	SUBQ         gathering_spans(DX), SI
	SHRQ         $3, SI
	MOVQ         SI, gathering_done(DX)
	SUBQ         R9, R8
	SHRQ         $2, R8
	MOVQ         R8, gathering_kept(DX)
	VZEROUPPER
	RET
