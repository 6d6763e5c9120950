"""Aligns lap two of the donkeycar tub with lap one, by pictures alone (no model of ours).

Every frame of lap two is compared with every frame of lap one (normalised correlation of 40x30 grey
pictures, summed along the diagonal over +-8 frames so that a motion is compared and not a still), and the best
path through the table is found by dynamic programming: each step goes one frame on in lap two and 0, 1, 2
or 3 frames in lap one. The ends are free; frames that fall onto them, and those that look like nothing in
lap one, are left out.

    python align_lap.py TUB > donkeycar_lap.csv

needs numpy and Pillow. Columns: frame of the log, frame of lap one that shows the same place, similarity.
"""

import sys

import numpy as np
from PIL import Image

FIRST, LAST, SPLIT, REACH = 0, 1000, 500, 8


def picture(tub, index):
    image = Image.open(f"{tub}/images/{index}_cam_image_array_.jpg").convert("L")
    grey = np.asarray(image.resize((40, 30), Image.BILINEAR), float)
    grey -= grey.mean()
    return (grey / (np.sqrt((grey * grey).sum()) + 1e-9)).ravel()


def main():
    tub = sys.argv[1]
    pictures = np.array([picture(tub, index) for index in range(FIRST, LAST)])
    similarity = pictures[SPLIT:] @ pictures[:SPLIT].T
    rows, columns = similarity.shape
    smooth = np.zeros_like(similarity)
    weight = np.zeros_like(similarity)
    for shift in range(-REACH, REACH + 1):
        lo_r, hi_r = max(0, -shift), min(rows, rows - shift)
        lo_c, hi_c = max(0, -shift), min(columns, columns - shift)
        smooth[lo_r:hi_r, lo_c:hi_c] += similarity[lo_r + shift : hi_r + shift, lo_c + shift : hi_c + shift]
        weight[lo_r:hi_r, lo_c:hi_c] += 1
    smooth /= weight
    best = np.full((rows, columns), -np.inf)
    came = np.zeros((rows, columns), int)
    best[0] = smooth[0]
    # Standing still or running in lap one is possible but costs a little.
    cost = {0: 0.03, 1: 0.0, 2: 0.02, 3: 0.06}
    for row in range(1, rows):
        for step, price in cost.items():
            shifted = np.full(columns, -np.inf)
            shifted[step:] = best[row - 1, : columns - step] - price
            better = shifted > best[row]
            best[row][better] = shifted[better]
            came[row][better] = step
        best[row] += smooth[row]
    column = int(best[-1].argmax())
    path = [column]
    for row in range(rows - 1, 0, -1):
        column -= came[row, column]
        path.append(column)
    path.reverse()
    print("frame,lap_one_frame,similarity")
    for row, column in enumerate(path):
        # At the ends lap one does not show the place at all (it covers a little less than the whole course).
        if column in (path[0], path[-1]) or smooth[row, column] < 0.4:
            continue
        print(f"{SPLIT + row},{column},{smooth[row, column]:.3f}")


main()
