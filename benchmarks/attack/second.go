package attack

import "image"

// The second set of constants: no canvas, font, colour, text or position of the
// first, other strengths of about the same severity, and steps combined in
// other orders.

func second() []recipe {
	var all []recipe
	for _, part := range [][]recipe{
		secondFiles(), secondTones(), secondGeometry(), secondOverlays(), secondPages(),
		secondBackgrounds(), secondCameras(), secondCombinations(),
	} {
		all = append(all, part...)
	}
	return all
}

// edited makes a recipe whose copy is a JPEG of quality 80.
func edited(family, name string, steps ...step) recipe {
	return attack(family, name, steps...).as(asJPEG(80))
}

func secondFiles() []recipe {
	return []recipe{
		edited("identity", "identity").as(asPNG()),
		edited("jpeg", "jpeg_q85").as(asJPEG(85)),
		edited("jpeg", "jpeg_q60").as(asJPEG(60)),
		edited("jpeg", "jpeg_q30").as(asJPEG(30)),
		edited("resize", "resize_60", resize(0.6, 0.6)),
		edited("resize", "resize_33", resize(0.33, 0.33)),
		edited("resize", "resize_nonuni12", resize(0.88, 1)),
		edited("format", "png").as(asPNG()),
		edited("format", "webp_85").as(asWebP(85)),
		edited("format", "webp_45").as(asWebP(45)),
	}
}

func secondTones() []recipe {
	return []recipe{
		edited("tone", "bright_+35", bright(35)),
		edited("tone", "bright_+50", bright(50)),
		edited("tone", "bright_-45", bright(-45)),
		edited("tone", "contrast_1.5", contrast(1.5)),
		edited("tone", "contrast_0.55", contrast(0.55)),
		edited("tone", "gamma_0.65", gamma(0.65)),
		edited("tone", "gamma_2.0", gamma(2)),
		edited("colour", "sat_0.3", saturate(0.3)),
		edited("colour", "sat_2.0", saturate(2)),
		edited("colour", "gray", saturateAbout(0, 0.2126, 0.7152, 0.0722)),
		edited("colour", "wb_warm", balance(1.1, 1.02, 0.74)),
		edited("colour", "wb_cool", balance(0.78, 0.95, 1.2)),
		edited("colour", "hue_shift-18", hue(-36)),
		edited("filter", "blur_1.4", blur(1.4)),
		edited("filter", "blur_2.5", blur(2.5)),
		edited("filter", "sharpen_1.5", sharpen(1.5, 1)),
		edited("filter", "sharpen_2.5", sharpen(2.5, 2)),
		edited("filter", "noise_12", noise(12)),
		edited("filter", "noise_20", noise(20)),
	}
}

func secondGeometry() []recipe {
	cream, slate, navy := rgb(246, 238, 219), rgb(128, 132, 138), rgb(16, 28, 66)
	polaroid := margins{left: 0.06, top: 0.06, right: 0.06, bottom: 0.24}
	aside := margins{left: 0.08, top: 0.2, right: 0.32, bottom: 0.12}
	return []recipe{
		edited("mirror", "flip_h", mirror),
		edited("rot90", "rot_90", quarter(1)),
		edited("rot90", "rot_180", quarter(2)),
		edited("rot90", "rot_270", quarter(3)),
		edited("rot_small", "rot_3_fill", rotate(3, always(rgb(255, 255, 255)))),
		edited("rot_small", "rot_6_fill", rotate(6, ofTheEdge)),
		edited("rot_small", "rot_9_fill", rotate(9, always(rgb(60, 62, 70)))),
		edited("rot_small", "rot_4_crop", rotateInside(4)),
		edited("crop", "crop_7", crop(0.07)),
		edited("crop", "crop_12", crop(0.12)),
		edited("crop", "crop_25", crop(0.25)),
		edited("crop", "crop_35", crop(0.35)),
		edited("crop", "crop_centre_tall", cropMiddle(0.7, 0.9)),
		edited("crop", "crop_side20", cropSide(0.20)),
		edited("aspect", "aspect_5:4", resize(1, 0.8)),
		edited("aspect", "aspect_narrow60", resize(0.6, 1)),
		edited("border", "pad_cream_8", pad(even(0.08), always(cream))),
		edited("border", "pad_slate_12", pad(even(0.12), always(slate))),
		edited("border", "pad_white_aside", pad(aside, always(rgb(255, 255, 255)))),
		edited("border", "pad_navy_20", pad(even(0.20), always(navy))),
		edited("border", "pad_colour_polaroid", pad(polaroid, anyColour(80, 250))),
		edited("border_blur", "pad_blur_dim", padBlurred(margins{left: 0.2, top: 0.1, right: 0.2, bottom: 0.1}, 18, 0.6)),
		edited("border", "letterbox_wide", letterbox(landscape(16.0/9), rgb(24, 24, 26), cream, 1.25)),
		edited("border", "letterbox_tall", letterbox(portrait(1.5), cream, slate, 1.35)),
	}
}

// storeName is the small mark in a corner.
func storeName() step {
	return watermark(mark{text: "© my-store.eu", size: ofShorter(1.0 / 15), x: 0.03, y: 0.91,
		ink: rgba(255, 230, 120, 170), outline: 1, rim: rgba(60, 20, 20, 130)})
}

// weekend is the band across the picture: two lines, dark on light.
func weekend(high float64) step {
	return banner(band{high: high, lines: []string{"FREE RETURNS", "this weekend only"}, paint: anyColour(150, 255),
		ink: rgb(30, 20, 50), size: 0.34, most: 1.0 / 18, x: 0.3, y: 0.08, next: 0.45})
}

// roundTag is the price tag; a circle of its width has the unit's area.
func roundTag(area float64) step {
	return priceTag(tag{area: area, wide: 1.128, high: 1.128, shape: round, fill: rgb(214, 0, 92), ink: rgb(255, 255, 255),
		rim: 5, text: "€%d", size: 0.36, tx: 0.24, ty: 0.33})
}

func secondOverlays() []recipe {
	diagonal := func(red, green, blue, alpha uint8) step {
		return watermarks(tiling{text: "my-store.eu", ink: rgba(red, green, blue, alpha), size: 1.0 / 17, rows: 4.2, words: 8, indent: 2.5, turn: 30})
	}
	scattered := append(times(2, sticker{shape: heart, fill: rgb(226, 36, 72), diameter: 0.15}),
		append(times(2, sticker{shape: star, fill: rgb(64, 190, 255), diameter: 0.16}),
			times(2, sticker{shape: disc, fill: rgb(120, 220, 90), face: true, diameter: 0.11})...)...)
	return []recipe{
		edited("watermark", "wm_corner", storeName()),
		edited("watermark", "logo_corner", logo(badge{diameter: 0.2, places: [2][2]float64{{0.03, 0.72}, {0.76, 0.75}},
			fill: rgb(20, 116, 70), shape: rounded(1, 1, 0.18), text: "-30%", size: 0.3, x: 0.14, y: 0.32})),
		edited("watermark", "wm_diagonal_light", diagonal(255, 255, 255, 90)),
		edited("watermark", "wm_diagonal_heavy", diagonal(30, 30, 90, 150)),
		edited("watermark", "wm_across", watermark(mark{text: "ORIGINAL", size: ofWidth(1 / 5.4), x: 0.1, y: 0.72,
			ink: rgba(205, 40, 40, 140), outline: 1, rim: rgba(255, 255, 255, 120), turn: 28})),
		edited("banner", "banner_7", weekend(0.07)),
		edited("banner", "banner_18", weekend(0.18)),
		edited("banner", "banner_26", weekend(0.26)),
		edited("tag", "tag_7", roundTag(0.07)),
		edited("tag", "tag_12", roundTag(0.12)),
		edited("tag", "tag_26", roundTag(0.26)),
		edited("tag", "stickers_6x", stickers(scattered...)),
	}
}

func secondPages() []recipe {
	sand, ink := rgb(240, 214, 160), rgb(34, 40, 49)
	uneven := []image.Rectangle{image.Rect(10, 10, 430, 430), image.Rect(440, 10, 645, 215), image.Rect(440, 225, 645, 430)}
	return []recipe{
		edited("screenshot", "shot_post", shotPost),
		edited("screenshot", "shot_listing", shotListing),
		edited("screenshot", "shot_bubbles", shotBubbles),
		edited("collage", "collage_row3", collage(708, 324, sand, grid(3, 1, 220, 300, 12)...)),
		edited("collage", "collage_mixed", either(
			collage(655, 440, ink, uneven...),
			collage(524, 778, ink, grid(2, 3, 250, 250, 8)...))),
		edited("compose", "compose_65", compose(800, 600, 0.65, trim{frame: 6})),
		edited("compose", "compose_45", compose(560, 700, 0.45, trim{shadow: 10})),
		edited("compose", "compose_33", compose(720, 480, 0.33, trim{frame: 4, shadow: 5})),
	}
}

// either does one of two steps.
func either(a, b step) step {
	return func(j *job) {
		if j.coin() {
			a(j)
		} else {
			b(j)
		}
	}
}

func secondBackgrounds() []recipe {
	return plainOnly(
		edited("background", "bg_dark", replaceBackground(plainGround(anyColour(10, 140)))),
		edited("background", "bg_sunset", replaceBackground(gradient(rgb(250, 176, 110), rgb(62, 74, 150), true))),
		edited("background", "bg_scene", replaceBackground(soft(scene, 2))),
		edited("background", "recolour_22", recolour(44)),
		edited("background", "recolour_-70", recolour(-140)),
	)
}

// desk is what surrounds a print that is photographed.
func desk() paint { return always(rgb(196, 186, 170)) }

// monitor is the second set's photo of a screen.
func monitor(amplitude float64) step {
	return moire(screenPhoto{amplitude: amplitude, waves: [2]float64{1.25, 2.6}, lo: 0.3, hi: 1.1, sigma: 0.8,
		vignette: 0.35, gain: [3]float32{0.95, 1, 1.06}, deviation: 4})
}

func secondCameras() []recipe {
	return []recipe{
		edited("perspective", "persp_4", perspective(0.04, desk())),
		edited("perspective", "persp_10", perspective(0.10, desk())),
		edited("rescan", "moire", monitor(16)),
		edited("rescan", "printscan", curve(linear(0.84, 26)), saturate(0.7), blur(0.9),
			rotate(1, always(rgb(244, 242, 236))), halftone(4, 6, 3)),
	}
}

func secondCombinations() []recipe {
	cream := always(rgb(246, 238, 219))
	return []recipe{
		edited("combo", "c_dark_crop8_jpeg45", curve(linear(0.9, -8)), crop(0.08), recompress(45)),
		edited("combo", "c_wm_flip_crop6", storeName(), mirror, crop(0.06)),
		edited("combo", "c_tag6_pad8_jpeg55", roundTag(0.06), pad(even(0.08), cream), recompress(55)),
		edited("combo", "c_shot_banner", shotListing, weekend(0.07), recompress(55)),
		edited("combo", "c_sat_pad_flip", saturate(0.6), pad(margins{left: 0.06, top: 0.06, right: 0.06, bottom: 0.24}, anyColour(80, 250)), mirror),
		edited("combo", "c_blur_rot4_crop_jpeg", blur(1.2), rotateInside(4), recompress(45)),
		edited("combo", "c_jpeg_screenphoto", recompress(50), perspective(0.04, desk()), monitor(9)),
	}
}
